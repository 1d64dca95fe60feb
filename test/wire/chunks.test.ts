import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chunksOf, joinChunks } from "../../src/wire/chunks.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

describe("chunks", () => {
  it("join to what was cut", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: 250 }),
        (bytes, chunkBytes) => {
          const chunks = chunksOf(bytes, chunkBytes);
          expect(chunks.slice(0, -1).every((chunk) => chunk.length === chunkBytes)).toBe(true);
          const collector = joinChunks(bytes.length);
          chunks.forEach(collector.add);
          expect(collector.bytes()).toEqual(bytes);
        },
      ),
    );
  });

  it("may not add up to more than the limit", () => {
    const collector = joinChunks(10);
    collector.add(new Uint8Array(6));
    expect(wireErrorCode(() => collector.add(new Uint8Array(5)))).toBe("too-large");
    collector.add(new Uint8Array(4).fill(1));
    expect(collector.bytes()).toEqual(Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 1, 1, 1));
    expect(wireErrorCode(() => collector.add(Uint8Array.of(1)))).toBe("too-large");
  });

  it("may not be empty: nothing would come to an end", () => {
    expect(wireErrorCode(() => joinChunks(10).add(new Uint8Array(0)))).toBe("bad-field");
  });
});
