import { byteReader, byteWriter } from "../compress/bytes.ts";
import type { ByteTotals } from "../telemetry/event.ts";
import type { RunContract } from "./record.ts";
import type { RoundState } from "./round-state.ts";

/** What a snapshot stands for: the fold of all records before it, with no round open. */
export interface SavedRun {
  readonly runId: string;
  readonly contract: RunContract;
  readonly bytes: ByteTotals;
  /** Of the round machine, as the fold of the records has it. */
  readonly round: RoundState;
  /** As `Book.snapshot` gives it. */
  readonly book: Uint8Array;
}

/** Head as JSON with its length before it, then the book. */
export function encodeSavedRun({ book, ...head }: SavedRun): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const writer = byteWriter(json.length + book.length + 8);
  writer.varint(json.length);
  writer.bytes(json);
  writer.bytes(book);
  return writer.written();
}

/** Its digest has been verified. */
export function decodeSavedRun(bytes: Uint8Array): SavedRun {
  const reader = byteReader(bytes, "snapshot");
  const json = reader.bytes("head", reader.varint("head length", 0, bytes.length));
  const head = JSON.parse(new TextDecoder().decode(json));
  return { ...head, book: reader.bytes("book", reader.remaining()) };
}
