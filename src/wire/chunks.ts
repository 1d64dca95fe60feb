import { assert } from "../model/assert.ts";
import { WireError } from "../model/error.ts";

/** A frame in pieces of `chunkBytes` (the last may be shorter), as views in order. */
export function chunksOf(bytes: Uint8Array, chunkBytes: number): readonly Uint8Array[] {
  assert(Number.isInteger(chunkBytes) && chunkBytes >= 1, "a chunk holds at least one byte");
  return Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, i) =>
    bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes),
  );
}

/** Collects the chunks of one frame. */
export interface ChunkCollector {
  /** Copies a chunk. Throws WireError: `too-large` before the limit would be passed, `bad-field` if it is empty. */
  readonly add: (chunk: Uint8Array) => void;
  /** Everything so far, as a copy. */
  readonly bytes: () => Uint8Array;
}

/** Its memory is at most twice what came so far, and at most `limitBytes`, however small the chunks are. */
export function joinChunks(limitBytes: number): ChunkCollector {
  let buffer = new Uint8Array(0);
  let length = 0;
  return {
    add(chunk) {
      if (chunk.length === 0) throw new WireError("bad-field", `byte ${length}`, "an empty chunk");
      const needed = length + chunk.length;
      if (needed > limitBytes)
        throw new WireError("too-large", `byte ${length}`, `${needed} bytes so far, at most ${limitBytes}`);
      if (needed > buffer.length) {
        const larger = new Uint8Array(Math.min(limitBytes, Math.max(2 * buffer.length, needed)));
        larger.set(buffer.subarray(0, length));
        buffer = larger;
      }
      buffer.set(chunk, length);
      length = needed;
    },
    bytes: () => buffer.slice(0, length),
  };
}
