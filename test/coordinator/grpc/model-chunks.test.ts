import { expect, test } from "vitest";
import { FIRST_CHUNK_BYTES, modelChunks, NUM_FIRST } from "../../../src/coordinator/grpc/model-chunks.ts";
import { noise } from "./kit.ts";

test.each([0, 1, FIRST_CHUNK_BYTES, 16 * FIRST_CHUNK_BYTES, 16 * FIRST_CHUNK_BYTES + 1, 200_000])(
  "%d bytes are sent whole and in order, the first in small pieces, from any byte on",
  (length) => {
    const bytes = noise(length);
    const frames = [bytes.subarray(0, length >> 1), new Uint8Array(), bytes.subarray(length >> 1)];
    for (const offset of [0, length >> 2, length]) {
      const chunks = [...modelChunks(frames, offset)];
      expect(Buffer.concat(chunks).equals(bytes.subarray(offset))).toBe(true);
      for (const [i, chunk] of chunks.slice(0, -1).entries())
        expect(chunk.length).toBe(i < NUM_FIRST ? FIRST_CHUNK_BYTES : 4 * FIRST_CHUNK_BYTES);
    }
  },
);
