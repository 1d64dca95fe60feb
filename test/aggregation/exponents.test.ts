import fc from "fast-check";
import { expect, test } from "vitest";
import { ceilLog2, measureDeltas, nextExponents } from "../../src/aggregation/exponents.ts";
import { WireError } from "../../src/model/error.ts";
import { manifest, update } from "./updates.ts";

test("ceilLog2, by hand and over every power of two", () => {
  expect([1, 2, 3, 4, 5, 0.5, 0.3, 2 ** 53 - 1].map(ceilLog2)).toEqual([0, 1, 2, 2, 3, -1, -1, 53]);
  for (let e = -1000; e <= 1000; e++) {
    expect(ceilLog2(2 ** e)).toBe(e);
    expect(ceilLog2(2 ** e * 1.0000001)).toBe(e + 1);
  }
});

test("property: ceilLog2 is the least power of two that is no less", () => {
  fc.assert(
    fc.property(fc.float({ min: 2 ** -140, noNaN: true, noDefaultInfinity: true }), (value) => {
      const exponent = ceilLog2(value);
      expect(2 ** exponent).toBeGreaterThanOrEqual(value);
      expect(2 ** (exponent - 1)).toBeLessThan(value);
    }),
  );
});

test("a delta beyond its tensor's bound is refused", () => {
  expect(measureDeltas(update(1, [0, 2], [-8, 1]), manifest, [3])).toEqual({
    largest: [8],
    norm: Math.sqrt(65),
  });
  expect(() => measureDeltas(update(1, [0], [8.001]), manifest, [3])).toThrow(WireError);
  expect(() => measureDeltas(update(1, [0], [8]), manifest, [2])).toThrow(
    /out-of-range at w: \|8\| exceeds 4/,
  );
  expect(() => measureDeltas(update(1, [0], [Number.NaN]), manifest, [3])).toThrow(/out-of-range/);
});

test("the next bound is 8 times the largest delta, within 2^-100 and 2^10, as before where there was none", () => {
  const each = [[0], [1], [2], [3]];
  expect(nextExponents([3, 3, 3, -7], [0.5, 1000, 2 ** -149, 0], each)).toEqual([2, 10, -100, -7]);
});

test("tensors of one group share the bound of their largest", () => {
  expect(nextExponents([3, 3, 3], [0.5, 0.3, 2], [[0, 1], [2]])).toEqual([2, 2, 4]);
});
