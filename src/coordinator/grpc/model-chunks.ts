import { SENT_CHUNK_BYTES } from "../../wire/link-fields.ts";
import { transferChunks } from "../../wire/transfer.ts";

/**
 * The pieces that a download is sent in, from the byte `offset` on. A client sees and keeps whole ones only, so the first
 * are small: however slow its link is, each try brings some of them in the time that passes for progress (4 KiB in 16 s at
 * 256 bytes a second).
 */
export function* modelChunks(frames: readonly Uint8Array[], offset: number): Generator<Uint8Array> {
  let numFirst = 0;
  for (const chunk of transferChunks(frames, FIRST_CHUNK_BYTES, offset)) {
    yield chunk;
    if (++numFirst === NUM_FIRST) break;
  }
  yield* transferChunks(frames, SENT_CHUNK_BYTES, offset + NUM_FIRST * FIRST_CHUNK_BYTES);
}

export const FIRST_CHUNK_BYTES = 4 * 1024;
export const NUM_FIRST = 16;
