import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Pair, RisingCode } from "../../src/kernels/codec-rice.ts";
import { derive } from "../../src/model/rng.ts";
import { digestsOf } from "../suites/flat-vectors.ts";
import { both } from "./both.ts";

const bitsOf = (numbers: Uint32Array, parameters: Pair): number =>
  numbers.reduce((sum, n, i) => sum + (n >>> parameters[i % 2]!) + 1 + parameters[i % 2]!, 0);

/** What the numbers are when each is above the one before it by what is written and a step. */
function risingOf(written: Uint32Array, steps: Pair): number[] {
  let least = 0;
  return Array.from(written, (n, i) => {
    const number = least + n;
    least = number + steps[i % 2]!;
    return number;
  });
}

function compareRice(written: Uint32Array, parameters: Pair, steps: Pair): void {
  const bits = bitsOf(written, parameters);
  const bytes = both((k) => {
    const into = new Uint8Array(Math.ceil(bits / 8));
    k.riceEncode(written, parameters, into);
    return into;
  });
  const rising = risingOf(written, steps);
  const length = (rising.at(-1) ?? 0) + 1;
  const read = both((k) => k.riceDecode(bytes, written.length, { parameters, steps, length }));
  expect(digestsOf(read.numbers)).toBe(digestsOf(Uint32Array.from(rising)));
  expect(read.numBits).toBe(bits);
  // those that are as large as the last are no longer below
  const shorter = { parameters, steps, length: length - 1 };
  const below = rising.filter((n) => n < length - 1);
  expect(both((k) => k.riceDecode(bytes, written.length, shorter)).numbers).toHaveLength(below.length);
}

const drawn = (count: number, below: number): Uint32Array => {
  const rng = derive(8, "numbers", count, below);
  return Uint32Array.from({ length: count }, () => Math.floor(below * rng.uniform() ** 4));
};

describe("Rice's code", () => {
  it.each([0, 1, 2, 7, 8, 9, 8191, 8192, 8193, 32767, 32769, 100_003])(
    "of %i numbers is the same",
    (count) => {
      for (const below of [1, 5, 300, 20_000])
        for (const [parameters, steps] of [
          [
            [0, 0],
            [1, 1],
          ],
          [
            [7, 7],
            [1, 1],
          ],
          [
            [4, 1],
            [0, 2],
          ],
          [
            [24, 0],
            [0, 2],
          ],
        ] as const)
          if (below < 5000 || parameters[1] > 5) compareRice(drawn(count, below), parameters, steps);
      const numbers = drawn(count, 20_000);
      for (let shift = 0; shift <= 24; shift++) both((k) => k.sumShifted(numbers, shift));
    },
  );

  it("is the same with runs of zeros that fill any number of bytes, and more than the memory", () => {
    for (const n of [
      23,
      24,
      31,
      32,
      33,
      55,
      56,
      57,
      63,
      64,
      65,
      1000,
      2 ** 20 - 5,
      2 ** 20,
      2 ** 21,
      5_000_000,
    ])
      for (const before of [0, 1, 7, 8191])
        compareRice(Uint32Array.of(...new Uint32Array(before), n, 3, 0), [0, 0], [1, 1]);
    compareRice(Uint32Array.of(2 ** 32 - 10, 3), [24, 24], [1, 1]);
  });

  const codes: fc.Arbitrary<RisingCode> = fc.record({
    parameters: fc.tuple(fc.nat(24), fc.nat(24)),
    steps: fc.constantFrom<Pair>([1, 1], [0, 2]),
    length: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 2 ** 32 - 1 })),
  });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.array(fc.constantFrom(0, 0, 1, 128, 255), { maxLength: 80 }).map((all) => Uint8Array.from(all)),
  );

  it("is read alike, whatever the bytes", () => {
    fc.assert(
      fc.property(bytes, fc.nat(200), codes, (all, count, code) => {
        const { numbers, numBits } = both((k) => k.riceDecode(all, count, code));
        expect(numBits).toBeLessThanOrEqual(8 * all.length);
        expect(numbers.every((n) => n < code.length)).toBe(true);
      }),
      { numRuns: 1000 },
    );
    const rng = derive(3, "bytes");
    const many = Uint8Array.from({ length: 300_000 }, () => rng.below(256) & rng.below(256));
    for (const length of [0, 131_071, 131_072, 131_073, 300_000])
      for (const most of [2 ** 20, 2 ** 32 - 1])
        both((k) =>
          k.riceDecode(many.subarray(0, length), 400_001, {
            parameters: [3, 2],
            steps: [0, 2],
            length: most,
          }),
        );
  });
});

it("bits are shifted alike", () => {
  const rng = derive(5, "shift");
  for (const length of [0, 1, 3, 4, 5, 70, 32767, 32768, 32769, 100_003])
    for (let shift = 0; shift < 8; shift++) {
      const bytes = Uint8Array.from({ length }, () => rng.below(256));
      const carry = rng.below(1 << shift);
      const shifted = both((k) => k.shiftBits(bytes, shift, carry));
      expect(shifted).toHaveLength(length + 1);
      for (const i of [0, length >> 1, length - 1].filter((at) => at >= 0 && at < length))
        expect(((shifted[i]! | (shifted[i + 1]! << 8)) >>> shift) & 255).toBe(bytes[i]!);
      expect(shifted[0]! & ((1 << shift) - 1)).toBe(carry);
    }
});
