import { SENT_CHUNK_BYTES } from "../wire/link-fields.ts";

/** A link of 256 bytes a second, the slowest that there may be, carries two of them in 24 s. */
export const FIRST_PIECE_BYTES = 3072;
const LEAST_PIECE_BYTES = 1024;

/** A piece that leaves sooner is small for its link, and one that leaves later is large. */
const SOON_MS = 250;
const LATE_MS = 2000;

/**
 * The bytes of a report's next piece, after one of `bytes` left within `ms`. Only whole pieces are kept when a call breaks,
 * and only a piece that has left shows that there is progress: on a slow link they are small.
 */
export function nextPieceBytes(bytes: number, ms: number): number {
  if (ms < SOON_MS) return Math.min(2 * bytes, SENT_CHUNK_BYTES);
  return ms > LATE_MS ? Math.max(bytes / 2, LEAST_PIECE_BYTES) : bytes;
}
