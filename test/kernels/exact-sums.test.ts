import fc from "fast-check";
import { expect, test } from "vitest";
import type { ExactSums } from "../../src/kernels/exact-sums.ts";
import { scalarSums } from "../../src/kernels/exact-sums-scalar.ts";
import { simdSums } from "../../src/kernels/exact-sums-simd.ts";
import { derive } from "../../src/model/rng.ts";
import { digestsOf } from "../suites/flat-vectors.ts";

const LENGTH = 20_011; // more than two parts, and no multiple of a lane

/** What all ways come to, which is the same: at once or after waiting, and in TypeScript. */
function both(work: (sums: ExactSums) => void, length = LENGTH): BigInt64Array {
  const [expected, ...actual] = [scalarSums(length), simdSums(length, false)!, simdSums(length, true)!].map(
    (sums) => {
      work(sums);
      return sums.read(0, length);
    },
  );
  for (const sums of actual) expect(digestsOf(sums)).toBe(digestsOf(expected));
  return expected!;
}

const noise = (seed: number, length: number, scale: number): Float32Array => {
  const rng = derive(seed, "noise");
  return Float32Array.from({ length }, () => (rng.uniform() - 0.5) * 2 * scale);
};

test("products up to 2^51 are rounded once, ties to even", () => {
  const values = Float32Array.from([0.5, 1.5, -1.5, 2.5, -0.5, 2 ** 20, -(2 ** 20)]);
  const sums = both((s) => s.add(3, values, 1));
  expect([...sums.subarray(3, 10)]).toEqual([0n, 2n, -2n, 2n, 0n, 2n ** 20n, -(2n ** 20n)]);
  const large = both((s) => s.add(0, values, 2 ** 31));
  expect([large[5], large[6]]).toEqual([2n ** 51n, -(2n ** 51n)]);
});

test("carries and borrows pass between the words", () => {
  const sums = both((s) => {
    s.add(0, Float32Array.of(2 ** 32 - 256, 0, -1, 1), 1);
    s.add(0, Float32Array.of(256, -1, 1, -2), 1);
  });
  expect([...sums.subarray(0, 4)]).toEqual([2n ** 32n, -1n, 0n, -1n]);
});

test("property: both ways agree on dense and sparse parts, at any start and scale", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(9), fc.integer({ min: -20, max: 51 }), (seed, start, exponent) => {
      const values = noise(seed, LENGTH - 9, 1);
      const positions = Uint32Array.from({ length: 9001 }, (_, i) => 2 * i + (seed % 2));
      const sums = both((s) => {
        s.add(start, values, 2 ** exponent);
        s.addAt(start, positions, values.subarray(0, 9001), 2 ** exponent / 3);
        s.add(0, values.subarray(5, 8), 2 ** exponent);
      });
      const one =
        roundedBig(values[2 * 7 + (seed % 2)]! * 2 ** exponent) +
        roundedBig(values[7]! * (2 ** exponent / 3));
      expect(sums[start + 14 + (seed % 2)]).toBe(one);
    }),
    { numRuns: 30 },
  );
});

/** Ties to even, by integers. */
function roundedBig(x: number): bigint {
  const floor = Math.floor(x);
  const rest = x - floor;
  const up = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0);
  return BigInt(floor) + (up ? 1n : 0n);
}

test("sums add up, are copied out and cleared", () => {
  const more = BigInt64Array.from({ length: 12_345 }, (_, i) => 2n ** 61n - BigInt(i) * 2n ** 40n);
  const sums = both((s) => {
    s.addSums(5, more);
    s.addSums(
      5,
      more.map((v) => -v),
    );
    s.addSums(7, more.subarray(0, 3));
  });
  expect([...sums.subarray(5, 11)]).toEqual([0n, 0n, ...more.subarray(0, 3), 0n]);
  const cleared = both((s) => {
    s.addSums(5, more);
    s.clear();
  });
  expect(cleared.every((sum) => sum === 0n)).toBe(true);
});

test("means by one weight and by one each; without weight they are 0", () => {
  const values = noise(4, LENGTH, 2 ** 40);
  const weights = Float64Array.from({ length: LENGTH }, (_, i) => i % 5);
  for (const of of [weights, 7, 0]) {
    const [expected, actual] = [scalarSums(LENGTH), simdSums(LENGTH)!].map((sums) => {
      sums.add(0, values, 2 ** 10);
      const out = new Float32Array(LENGTH - 3);
      sums.means(3, 2 ** -30, of instanceof Float64Array ? of.subarray(3) : of, out);
      return out;
    });
    expect(actual).toEqual(expected);
    const weight = of instanceof Float64Array ? of[9]! : of;
    const sum = Number(roundedBig(values[9]! * 2 ** 10));
    expect(expected![6]).toBe(weight === 0 ? 0 : Math.fround((sum * 2 ** -30) / weight));
  }
});

test("a mean of a sum beyond 2^53 is rounded as a conversion from 64 bits is", () => {
  const large = BigInt64Array.of(2n ** 61n + 2n ** 37n + 1n, -(2n ** 61n) - 3n, 2n ** 53n + 1n);
  const [expected, actual] = [scalarSums(3), simdSums(3)!].map((sums) => {
    sums.addSums(0, large);
    const out = new Float32Array(3);
    sums.means(0, 2 ** -61, 1, out);
    return out;
  });
  expect(actual).toEqual(expected);
  expect([...expected!]).toEqual([...large].map((v) => Math.fround(Number(v) * 2 ** -61)));
});

/** The bytes of floats, at an odd address. */
function bytesOf(values: Float32Array): { readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(4 * values.length + 3).subarray(3);
  const view = new DataView(bytes.buffer, 3);
  values.forEach((value, i) => {
    view.setFloat32(4 * i, value, true);
  });
  return { bytes };
}

test("packed values come to what the same values do, by hand", () => {
  const table = Float32Array.of(0.5, -1.5, 2.5);
  const sums = both((s) => {
    s.add(2, { codes: Uint8Array.of(2, 1, 0), table }, 1); // 2, -2, 0
    s.addAt(1, Uint32Array.of(0, 5), { codes: Uint8Array.of(1, 2), table }, 2); // -3, 5
    s.add(0, bytesOf(Float32Array.of(7.5, -0.5)), 1); // 8, 0
    s.addAt(0, Uint32Array.of(4, 7), bytesOf(Float32Array.of(1, 3.5)), 1); // 1, 4
  });
  expect([...sums.subarray(0, 8)]).toEqual([8n, -3n, 2n, -2n, 1n, 0n, 5n, 4n]);
});

test("property: packed or written out, at once or together, in any order, the sums are the same", () => {
  const length = 200_003; // several blocks
  fc.assert(
    fc.property(fc.nat(), fc.nat(11), fc.integer({ min: -20, max: 49 }), (seed, start, exponent) => {
      const rng = derive(seed, "packed");
      const scale = 2 ** exponent / (1 + rng.below(3));
      const count = length - 11 - rng.below(70_000);
      const codes = Uint8Array.from({ length: count }, () => rng.below(256));
      const table = noise(seed, 256, 2);
      const floats = noise(seed + 1, count, 2);
      const step = 1 + rng.below(300); // too few positions for a block, or enough
      const positions = Uint32Array.from({ length: Math.floor(count / step) }, (_, i) => step * i);
      const few = (all: Uint8Array) => all.subarray(0, positions.length);
      const packed = [
        (s: ExactSums) => s.add(start, { codes, table }, scale),
        (s: ExactSums) => s.add(start, bytesOf(floats), scale),
        (s: ExactSums) => s.addAt(start, positions, { codes: few(codes), table }, scale),
        (s: ExactSums) => s.addAt(start, positions, bytesOf(floats.subarray(0, positions.length)), scale),
      ];
      const values = Float32Array.from(codes, (code) => table[code]!);
      const plain = both((s) => {
        s.addAt(start, positions, floats.subarray(0, positions.length), scale);
        s.addAt(start, positions, values.subarray(0, positions.length), scale);
        s.add(start, floats, scale);
        s.add(start, values, scale);
      }, length);
      const sums = both((s) => packed.forEach((add) => void add(s)), length);
      expect(digestsOf(sums)).toBe(digestsOf(plain));
    }),
    { numRuns: 6 },
  );
});

test("what waits is added before anybody looks, and forgotten when all is cleared", () => {
  const values = bytesOf(Float32Array.of(1, 2, 3));
  const sums = simdSums(10, true)!;
  const out = new Float32Array(2);
  sums.add(0, values, 1);
  expect(sums.isSettled()).toBe(false);
  sums.means(1, 1, 1, out);
  expect([...out]).toEqual([2, 3]);
  expect(sums.isSettled()).toBe(true);
  sums.add(1, values, 2);
  sums.settle();
  expect(sums.isSettled()).toBe(true);
  sums.add(1, values, 1);
  expect([...sums.read(0, 5)]).toEqual([1n, 5n, 9n, 9n, 0n]);
  sums.add(0, values, 1);
  sums.clear();
  expect([...sums.read(0, 3)]).toEqual([0n, 0n, 0n]);
});

test("no more than 64 wait, and floats, whose memory may be another's next, do not wait", () => {
  const sums = simdSums(10, true)!;
  for (let i = 0; i < 63; i++) sums.add(i % 9, bytesOf(Float32Array.of(1)), 1);
  expect(sums.isSettled()).toBe(false);
  sums.add(9, bytesOf(Float32Array.of(1)), 1);
  expect(sums.isSettled()).toBe(true);
  const values = Float32Array.of(5);
  sums.add(0, values, 1);
  values[0] = 100;
  expect([...sums.read(0, 10)]).toEqual([12n, 7n, 7n, 7n, 7n, 7n, 7n, 7n, 7n, 1n]);
});
