import fc from "fast-check";
import { expect, it } from "vitest";
import { derive } from "../../src/model/rng.ts";
import { both } from "./both.ts";

const noise = (seed: number, length: number): Float32Array => {
  const rng = derive(seed, "measure");
  return Float32Array.from({ length }, () => (rng.uniform() - 0.5) * 2 ** (rng.below(40) - 20));
};

/** At an odd address. */
function bytesOf(values: Float32Array): { readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(4 * values.length + 1).subarray(1);
  bytes.set(new Uint8Array(values.slice().buffer));
  return { bytes };
}

it("finds the largest magnitude and the sum of squares, by hand", () => {
  const values = Float32Array.of(3, -4, 0, 1, 1, 1, 1, 1, 2, -0);
  expect(both((k) => k.measure(values))).toEqual({ largest: 4, squares: 34 });
  expect(both((k) => k.measure(bytesOf(values)))).toEqual({ largest: 4, squares: 34 });
  const coded = { codes: Uint8Array.of(0, 0, 2, 0), table: Float32Array.of(0.5, 9, -2) };
  expect(both((k) => k.measure(coded))).toEqual({ largest: 2, squares: 3 * 0.25 + 4 });
  const signs = { codes: Uint8Array.of(0, 1, 1), table: Float32Array.of(3, -3) };
  expect(both((k) => k.measure(signs))).toEqual({ largest: 3, squares: 27 });
  const none = { ...signs, codes: new Uint8Array(0) };
  expect(both((k) => k.measure(none))).toEqual({ largest: 0, squares: 0 });
  expect(both((k) => k.measure(new Float32Array(0)))).toEqual({ largest: 0, squares: 0 });
});

it("adds the squares of every eighth value, and then in pairs", () => {
  const [large, tiny] = [2 ** 27, 1]; // 2^54 + 1 is 2^54 again
  const values = new Float32Array(24);
  values.set([large, tiny]);
  values.set([0, tiny], 8);
  values.set([0, tiny, tiny], 16);
  // 2^54 + 3 to even, and one more
  expect(both((k) => k.measure(values)).squares).toBe(2 ** 54 + 4);
});

it("property: both ways agree, whatever the values and their number", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(20_000), (seed, length) => {
      const values = noise(seed, length);
      const measured = both((k) => k.measure(values));
      expect(both((k) => k.measure(bytesOf(values)))).toEqual(measured);
      const exact = values.reduce((sum, v) => sum + v * v, 0);
      expect(Math.abs(measured.squares - exact)).toBeLessThanOrEqual(1e-9 * exact);
      expect(measured.largest).toBe(values.reduce((most, v) => Math.max(most, Math.abs(v)), 0));
      expect(both((k) => k.allFinite(bytesOf(values)))).toBe(true);
      const table = noise(seed + 1, 1 + (seed % 256));
      const codes = Uint8Array.from(values, (_, i) => (i * 31 + seed) % table.length);
      const coded = both((k) => k.measure({ codes, table }));
      const all = both((k) => k.measure(Float32Array.from(codes, (code) => table[code]!)));
      expect(coded.largest).toBe(all.largest);
      expect(Math.abs(coded.squares - all.squares)).toBeLessThanOrEqual(1e-9 * all.squares);
    }),
    { numRuns: 40 },
  );
});

it("says so when a value is not finite, wherever it stands", () => {
  for (const bad of [Number.NaN, Infinity, -Infinity])
    for (const place of [0, 7, 4095, 4096, 8191, 9001]) {
      const values = noise(1, 9002);
      values[place] = bad;
      expect(both((k) => k.measure(values)).largest).toBe(Math.abs(bad));
      for (const form of [values, bytesOf(values)]) expect(both((k) => k.allFinite(form))).toBe(false);
    }
});
