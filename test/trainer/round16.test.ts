import fc from "fast-check";
import { expect, test } from "vitest";
import { type Half, round16 } from "../../src/trainer/round16.ts";

const rounded = (value: number, precision: Half): number => {
  const out = Float32Array.of(value);
  round16(out, out, precision);
  return out[0]!;
};

/** By the definition: of the two neighbours on the grid the nearer one, of equally near ones the even multiple. */
function byDefinition(value: number, bits: number, leastExponent: number, largest: number): number {
  if (!Number.isFinite(value)) return value;
  const exponent = Math.max(leastExponent, Math.floor(Math.log2(Math.abs(value))));
  const step = 2 ** (exponent - bits);
  const low = Math.floor(value / step);
  const rest = value / step - low;
  const up = rest > 0.5 || (rest === 0.5 && low % 2 !== 0);
  const result = (low + (up ? 1 : 0)) * step;
  return Math.abs(result) > largest ? Math.sign(result) * Number.POSITIVE_INFINITY : result;
}

test("numbers by hand", () => {
  const cases: readonly (readonly [number, number, number])[] = [
    // value, as float16, as bfloat16
    [1, 1, 1],
    [-0, -0, -0],
    [65_504, 65_504, 65_536],
    [65_520, Number.POSITIVE_INFINITY, 65_536],
    [-65_519, -65_504, -65_536],
    [1 + 2 ** -11, 1, 1], // a tie, to even
    [1 + 3 * 2 ** -11, 1 + 2 ** -9, 1],
    [1 + 3 * 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -6], // a tie of bfloat16, to even
    [2 ** -24, 2 ** -24, 2 ** -24],
    [2 ** -25, 0, 2 ** -25],
    [-(2 ** -25), -0, -(2 ** -25)],
    [3 * 2 ** -25, 2 ** -23, 3 * 2 ** -25],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [Number.NaN, Number.NaN, Number.NaN],
  ];
  for (const [value, half, brain] of cases) {
    expect(rounded(value, "float16"), `${value}`).toBe(half);
    expect(rounded(value, "bfloat16"), `${value}`).toBe(brain);
  }
});

test("any number, as the definitions have it", () => {
  const numbers = fc.oneof(
    fc.float({ noNaN: true }),
    fc.float({ min: -1, max: 1, noNaN: true }),
    fc.float({ min: Math.fround(-(2 ** -13)), max: Math.fround(2 ** -13), noNaN: true }),
  );
  fc.assert(
    fc.property(numbers, (value) => {
      if (value === 0) return;
      expect(rounded(value, "float16")).toBe(withSign(byDefinition(value, 10, -14, 65_504), value));
      expect(rounded(value, "bfloat16")).toBe(
        withSign(Math.fround(byDefinition(value, 7, -126, (2 - 2 ** -7) * 2 ** 127)), value),
      );
    }),
    { numRuns: 5000 },
  );
});

/** Zero keeps the sign of what came to it. */
const withSign = (result: number, value: number): number => (result === 0 && value < 0 ? -0 : result);
