import { sha256 } from "../../model/sha256.ts";
import { crc32c } from "../../wire/checksum.ts";

/**
 * A record on disk (docs/journal.md), little endian: `u32 length, u32 durable, 32 bytes SHA-256 of the record before it,
 * u32 body CRC-32C, u32 head CRC-32C`, then `length` bytes. `durable` is how many bytes of the file were on disk for sure
 * when this record was handed to it: what stands before that cannot be a write that a crash has torn.
 */
export const HEAD_BYTES = 48;

/** As the record before the first one of all. */
export const NO_RECORD = new Uint8Array(32);

/** The head of a record for `body`; the record is both, one after the other. */
export function recordHead(previous: Uint8Array, durable: number, body: Uint8Array): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, body.length, true);
  view.setUint32(4, durable, true);
  head.set(previous, 8);
  view.setUint32(40, crc32c(body), true);
  view.setUint32(44, crc32c(head.subarray(0, 44)), true);
  return head;
}

/** What the next record says of this one. */
export const recordHash = (head: Uint8Array, body: Uint8Array): Uint8Array => sha256(head, body);

export interface RecordHead {
  readonly length: number;
  readonly durable: number;
  readonly previous: Uint8Array;
  readonly bodySum: number;
}

/** The head at `at`, where 48 bytes are; null when its checksum differs. */
export function readHead(file: Uint8Array, at: number): RecordHead | null {
  const view = new DataView(file.buffer, file.byteOffset + at, HEAD_BYTES);
  if (crc32c(file.subarray(at, at + 44)) !== view.getUint32(44, true)) return null;
  return {
    length: view.getUint32(0, true),
    durable: view.getUint32(4, true),
    previous: file.subarray(at + 8, at + 40),
    bodySum: view.getUint32(40, true),
  };
}

/**
 * Whether one flipped bit explains why `bytes` do not have the checksum `sum`. A crash leaves out whole pages; one bit is
 * damage, in what may have been acknowledged.
 */
export function isOneBitOff(bytes: Uint8Array, sum: number): boolean {
  // CRC-32C is linear: what differs in the sum depends on the bit's place alone, and follows from the place after it.
  const wanted = (crc32c(bytes) ^ sum) >>> 0;
  if ((wanted & (wanted - 1)) === 0) return wanted !== 0; // the bit is in the sum itself
  let difference = 1;
  for (let bit = 8 * bytes.length - 1; bit >= 0; bit--) {
    difference = ((difference >>> 1) ^ (difference & 1 ? 0x82f63b78 : 0)) >>> 0;
    if (difference === wanted) return true;
  }
  return false;
}
