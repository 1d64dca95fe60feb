import { byteReader, byteWriter, type Trace } from "../compress/bytes.ts";
import { WireError } from "../model/error.ts";
import { BODIES } from "./bodies.ts";
import { crc32c } from "./checksum.ts";
import type { Frame } from "./kinds.ts";
import type { Limits } from "./limits.ts";

export type { Frame, MasksFrame, StudentFrame, UpdateFrame } from "./kinds.ts";

/** Magic, version, kind, the kind's fields, CRC-32C of all that. Fields out of range are bugs and assert. */
export function encodeFrame(frame: Frame): Uint8Array {
  const writer = byteWriter(1024);
  writer.bytes(MAGIC);
  writer.uint8(WIRE_VERSION);
  writer.uint8(BODIES[frame.kind].id);
  BODIES[frame.kind].write(writer, frame as never);
  const crc = crc32c(writer.written());
  writer.bytes(Uint8Array.of(crc, crc >>> 8, crc >>> 16, crc >>> 24));
  return writer.written().slice();
}

/**
 * Reads one whole frame; payloads are views into `bytes`. Throws WireError, and takes no more memory than the
 * bytes at hand can fill. A trace sees every field in the order of the bytes.
 */
export function decodeFrame(bytes: Uint8Array, limits: Limits, trace?: Trace): Frame {
  if (bytes.length > limits.frameBytes)
    throw new WireError("too-large", "frame", `${bytes.length} bytes, at most ${limits.frameBytes}`);
  const bodyEnd = bytes.length - CRC_BYTES;
  const reader = byteReader(bytes.subarray(0, Math.max(bodyEnd, 0)), "", trace);
  checkMagic(bytes);
  if (bodyEnd < HEAD_BYTES) throw new WireError("truncated", "frame", `${bytes.length} bytes`);
  reader.bytes("magic", MAGIC.length);
  const version = reader.uint8("version", 0, 255);
  if (version !== WIRE_VERSION)
    throw new WireError("bad-version", "version", `${version}, this build speaks ${WIRE_VERSION}`);
  const announced = new DataView(bytes.buffer, bytes.byteOffset + bodyEnd, CRC_BYTES).getUint32(0, true);
  const crc = crc32c(bytes.subarray(0, bodyEnd));
  if (announced !== crc)
    throw new WireError("bad-checksum", "checksum", `${hex(announced)}, expected ${hex(crc)}`);

  const id = reader.uint8("kind", 0, 255, (kind) => kindOf(kind) ?? `unknown kind ${kind}`);
  const kind = kindOf(id);
  if (kind === null) throw new WireError("bad-kind", "kind", `${id}`);
  const frame = BODIES[kind].read(reader, limits);
  reader.end();
  trace?.({ offset: bodyEnd, length: CRC_BYTES, field: "checksum", value: hex(crc) });
  return frame;
}

/** The first four bytes of a digest as a number: enough to notice a mix-up, not to prove anything. */
export const shortDigest = (digest: string): number => Number.parseInt(digest.slice(0, 8), 16);

const MAGIC = Uint8Array.of(0x46, 0x50, 0x52, 0x53); // "FPRS"
const WIRE_VERSION = 1;
const HEAD_BYTES = MAGIC.length + 2;
const CRC_BYTES = 4;

/** What cannot be the start of a frame is not a frame, however short it is. */
function checkMagic(bytes: Uint8Array): void {
  for (let i = 0; i < Math.min(MAGIC.length, bytes.length); i++)
    if (bytes[i] !== MAGIC[i]) throw new WireError("bad-magic", "magic", "not a fedpress frame");
}

const kindOf = (id: number): Frame["kind"] | null => KINDS.find((kind) => BODIES[kind].id === id) ?? null;

const KINDS = Object.keys(BODIES) as readonly Frame["kind"][];

const hex = (crc: number): string => crc.toString(16).padStart(8, "0");
