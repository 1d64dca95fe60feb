import { describe, expect, it } from "vitest";
import { codec } from "../../src/compress/codec.ts";
import { select } from "../../src/compress/selection.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { toDense } from "../../src/model/tensor.ts";
import { squared } from "../suites/sparse.ts";

const positions = (spec: CodecSpec["select"], vector: Float32Array, seed: number): number[] | null => {
  const found = select(spec, vector, seed, [{ rows: 1, cols: vector.length }]).positions;
  return found === null ? null : [...found];
};

describe("a selection", () => {
  it("by threshold takes the magnitudes from it on", () => {
    const vector = Float32Array.of(0.5, -0.25, 0, 1, -3);
    expect(positions({ threshold: 0.5 }, vector, 0)).toEqual([0, 3, 4]);
    expect(positions({ threshold: 4 }, vector, 0)).toEqual([]);
  });

  it("by blocks takes the largest of each, of equals the first, and of a short block as many", () => {
    const vector = Float32Array.of(1, -2, 2, 0, 0, 0, 0, 0, 5, 4, 3);
    expect(positions({ blocks: { keep: 2, of: 4 } }, vector, 0)).toEqual([1, 2, 4, 5, 8, 9]);
    expect(positions({ blocks: { keep: 2, of: 4 } }, vector.subarray(0, 9), 0)).toEqual([1, 2, 4, 5, 8]);
    expect(positions({ blocks: { keep: 2, of: 4 } }, vector.subarray(0, 1), 0)).toBeNull();
  });

  it("at random depends on seed and length alone", () => {
    const zeros = new Float32Array(1000);
    const ones = zeros.map(() => 1);
    const drawn = positions({ randomK: 0.03 }, zeros, 7)!;
    expect(drawn).toHaveLength(30);
    expect(positions({ randomK: 0.03 }, ones, 7)).toEqual(drawn);
    expect(positions({ randomK: 0.03 }, ones, 8)).not.toEqual(drawn);
    expect(positions({ randomK: 1 }, ones, 7)).toBeNull();
  });
});

describe("a codec of random coordinates", () => {
  const spec = { select: { randomK: 0.01 }, values: "float32" } as const;

  it("sends no positions", () => {
    const vector = new Float32Array(10_000).fill(1.5);
    // coders, seed, count, and a hundred float32s
    expect(codec(spec).encode(vector, 3).payload.length).toBe(1 + 4 + 1 + 400);
  });

  it("scales by length / count, and with feedback not at all", () => {
    const vector = new Float32Array(10_000).fill(1.5);
    expect(new Set(codec(spec).encode(vector, 3).sent.values)).toEqual(new Set([150]));
    expect(new Set(codec(spec, true).encode(vector, 3).sent.values)).toEqual(new Set([1.5]));
    expect(new Set(codec(spec).encode(vector, 3, 8).sent.values)).toEqual(new Set([8]));
  });
});

describe("top k", () => {
  it("keeps at least its share: lost is at most (1 - k / d) of the square", () => {
    const rng = derive(1, "contraction");
    for (const density of [0.01, 0.1, 0.5])
      for (let trial = 0; trial < 20; trial++) {
        const vector = Float32Array.from({ length: 200 }, () => gaussian(rng) ** (1 + (trial % 3)));
        const sent = toDense(codec({ select: { topK: density }, values: "float32" }).encode(vector, 0).sent);
        const lost = squared(vector.map((v, i) => v - sent[i]!));
        expect(lost).toBeLessThanOrEqual((1 - density) * squared(vector));
      }
  });
});
