import { byteReader, byteWriter } from "../../compress/bytes.ts";

/** Bytes that have a head of facts before them: `varint` length of its JSON, the JSON, the bytes. */
export function withHead(head: unknown, bytes: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const writer = byteWriter(json.length + bytes.length + 8);
  writer.varint(json.length);
  writer.bytes(json);
  writer.bytes(bytes);
  return writer.written();
}

/** The head as it was given, and a view of the bytes. What is read was verified; `place` names it in a WireError. */
export function splitHead(headed: Uint8Array, place: string) {
  const reader = byteReader(headed, place);
  const json = reader.bytes("head", reader.varint("head length", 0, headed.length));
  return {
    head: JSON.parse(new TextDecoder().decode(json)),
    bytes: reader.bytes("bytes", reader.remaining()),
  };
}
