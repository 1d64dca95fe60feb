import fc from "fast-check";
import { expect, test } from "vitest";
import { frameJoiner, type TransferLimits, transferChunks } from "../../../src/wire/transfer.ts";
import { noise } from "./kit.ts";

const limits: TransferLimits = { frameBytes: 2 ** 32, transferBytes: 2 ** 40, maxFrames: 100 };

test("frames cut into chunks of any size come together again; chunks are full but for the last", () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 50 }), (sent, chunkBytes) => {
      const joiner = frameJoiner(
        sent.map(({ length }) => length),
        limits,
      );
      const chunks = [...transferChunks(sent, chunkBytes)];
      for (const chunk of chunks) joiner.add(chunk);
      expect(joiner.finish()).toEqual(sent);
      const total = sent.reduce((n, { length }) => n + length, 0);
      const sizes = Array.from({ length: Math.ceil(total / chunkBytes) }, (_, i) =>
        Math.min(chunkBytes, total - i * chunkBytes),
      );
      expect(chunks.map(({ length }) => length)).toEqual(sizes);
    }),
  );
});

test("memory follows what has arrived, not what was announced", () => {
  const before = process.memoryUsage().arrayBuffers;
  const joiners = Array.from({ length: 100 }, () => frameJoiner([2 ** 32 - 1], limits));
  for (const joiner of joiners) joiner.add(noise(1000));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 2 ** 20);
  expect(joiners[0]!.finish).toThrow("truncated at frame 0: 1000 of 4294967295 bytes");
});

test("limits hold at the byte", () => {
  const small: TransferLimits = { frameBytes: 10, transferBytes: 15, maxFrames: 3 };
  expect(frameJoiner([0, 0, 0], small).finish()).toEqual([
    new Uint8Array(),
    new Uint8Array(),
    new Uint8Array(),
  ]);
  expect(() => frameJoiner([10, 5, 0], small)).not.toThrow();
  expect(() => frameJoiner([11], small)).toThrow("too-large at frame 0: 11 bytes, at most 10");
  expect(() => frameJoiner([10, 6], small)).toThrow("too-large at frames: 16 bytes together, at most 15");
  expect(() => frameJoiner([0, 0, 0, 0], small)).toThrow("too-large at frames: 4, at most 3");
  const joiner = frameJoiner([2, 1], small);
  joiner.add(noise(3));
  expect(() => joiner.add(noise(1))).toThrow("trailing");
  expect(joiner.finish().map(({ length }) => length)).toEqual([2, 1]);
});
