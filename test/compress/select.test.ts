import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countOfDensity, topK } from "../../src/compress/select.ts";
import { vectors } from "../suites/sparse.ts";

/** The plain way: sort all by magnitude, then place. */
function sorted(vector: Float32Array, count: number): number[] {
  return [...vector.keys()]
    .filter((i) => vector[i] !== 0)
    .sort((i, j) => Math.abs(vector[j]!) - Math.abs(vector[i]!) || i - j)
    .slice(0, count)
    .sort((i, j) => i - j);
}

describe("topK", () => {
  it("selects what sorting selects", () => {
    fc.assert(
      fc.property(vectors(), fc.integer({ min: 1, max: 320 }), (vector, count) => {
        expect([...topK(vector, count)]).toEqual(sorted(vector, count));
      }),
      { numRuns: 500 },
    );
  });

  it("takes the first of equals", () => {
    expect([...topK(Float32Array.of(1, -2, 2, -1, 2, 0), 2)]).toEqual([1, 2]);
    expect([...topK(Float32Array.of(5, 1, -1, 1), 2)]).toEqual([0, 1]);
  });

  it("never selects a zero", () => {
    expect([...topK(Float32Array.of(0, 3, -0, 1e-45), 4)]).toEqual([1, 3]);
    expect([...topK(new Float32Array(5), 3)]).toEqual([]);
  });

  it("tells magnitudes apart that differ in the last bit", () => {
    const next = new Float32Array(Uint32Array.of(0x3f800000, 0x3f800001, 0x3f800002).buffer);
    expect([...topK(next, 1)]).toEqual([2]);
    expect([...topK(next, 2)]).toEqual([1, 2]);
  });

  it("reads a vector that is a part of a larger one", () => {
    expect([...topK(Float32Array.of(9, 1, 7, 3).subarray(1), 1)]).toEqual([1]);
  });
});

describe("countOfDensity", () => {
  it("rounds half up and keeps one at least", () => {
    expect(countOfDensity(0.01, 30_000)).toBe(300);
    expect(countOfDensity(0.5, 5)).toBe(3);
    expect(countOfDensity(0.1, 14)).toBe(1);
    expect(countOfDensity(0.01, 3)).toBe(1);
    expect(countOfDensity(1, 7)).toBe(7);
  });
});
