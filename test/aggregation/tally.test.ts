import fc from "fast-check";
import { expect, test } from "vitest";
import { sendersOverOwners } from "../../src/aggregation/mean.ts";
import {
  addUpdate,
  checkRange,
  emptyTally,
  fits,
  mergeTallies,
  quantum,
  type Tally,
} from "../../src/aggregation/tally.ts";
import { WireError } from "../../src/model/error.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { UpdateMessage } from "../../src/model/message.ts";
import type { Grid } from "../../src/model/protocol.ts";

const manifest: Manifest = { tensors: [{ name: "w", shape: [4] }] };
const grid: Grid = { exponent: 3, weightBudget: 2 ** 20 };

function update(
  numExamples: number,
  support: readonly number[] | null,
  values: readonly number[],
  mask: readonly number[] | null = null,
): UpdateMessage {
  const delta = {
    length: 4,
    support: support && Uint32Array.from(support),
    values: Float32Array.from(values),
  };
  return {
    clientId: "c",
    round: 1,
    baseVersion: 0,
    numExamples,
    numSteps: 1,
    trainLoss: 0,
    tensors: new Map([["w", { mask: mask && Uint32Array.from(mask), delta }]]),
  };
}

function tallyOf(updates: readonly UpdateMessage[]): Tally {
  const tally = emptyTally(manifest, grid);
  for (const one of updates) addUpdate(tally, one);
  return tally;
}

const meanOf = (...updates: UpdateMessage[]) => [
  ...sendersOverOwners(tallyOf(updates), manifest).get("w")!.data,
];

test("dense updates of full owners: the mean weighted by examples", () => {
  // (1·1 + 3·5)/4 = 4, (1·2 + 3·(−2))/4 = −1, (1·0 + 3·4)/4 = 3, 0.5
  expect(meanOf(update(1, null, [1, 2, 0, 0.5]), update(3, null, [5, -2, 4, 0.5]))).toEqual([4, -1, 3, 0.5]);
});

test("left out of the payload is a zero: the denominator counts every owner", () => {
  // coordinate 1: (2·4 + 2·0)/4; coordinate 3: (2·0 + 2·1)/4
  expect(meanOf(update(2, [1], [4]), update(2, [3], [1]))).toEqual([0, 2, 0, 0.5]);
});

test("not owned is no vote: the denominator counts owners only", () => {
  // coordinate 0: only the first owns it: 6; coordinate 1: (1·2 + 3·6)/4 = 5; 2: second only: 1; 3: nobody
  expect(meanOf(update(1, [0, 1], [6, 2], [0, 1]), update(3, [1, 2], [6, 1], [1, 2]))).toEqual([6, 5, 1, 0]);
});

test("mixed fleet: a full owner who sends nothing still votes zero against a masked sender", () => {
  // coordinate 2: (1·8)/(1 + 3) = 2 whether the full owner came before or after
  const full = update(3, [0], [4]);
  const masked = update(1, [2], [8], [2]);
  expect(meanOf(full, masked)).toEqual([4, 0, 2, 0]);
  expect(meanOf(masked, full)).toEqual([4, 0, 2, 0]);
});

test("each product is rounded once, ties to even", () => {
  const step = quantum(grid);
  const half = step / 2;
  expect(step).toBe(2 ** (3 + 20 - 51));
  const sumOf = (value: number) => tallyOf([update(1, [0], [value])]).tensors.get("w")!.sum[0];
  expect(sumOf(half)).toBe(0); // 0.5 rounds to 0
  expect(sumOf(3 * half)).toBe(2); // 1.5 rounds to 2
  expect(sumOf(-3 * half)).toBe(-2);
  expect(sumOf(5 * half)).toBe(2); // 2.5 rounds to 2
});

test("the bound of the grid is part of it, beyond is refused", () => {
  checkRange(update(1, [0], [-8]), grid);
  expect(() => checkRange(update(1, [0], [8.001]), grid)).toThrow(WireError);
  expect(() => checkRange(update(1, [0], [Number.NaN]), grid)).toThrow(/out-of-range/);
});

test("sums stay exact up to a full weight budget of extreme values", () => {
  const heavy = 2 ** 15;
  const tally = tallyOf(Array.from({ length: 32 }, () => update(heavy, null, [8, -8, 8, -8])));
  expect(tally.total).toBe(grid.weightBudget);
  expect(fits(tally, 1)).toBe(false);
  expect(Math.abs(tally.tensors.get("w")!.sum[0]!)).toBeLessThanOrEqual(2 ** 51);
  expect([...sendersOverOwners(tally, manifest).get("w")!.data]).toEqual([8, -8, 8, -8]);
  expect(() => addUpdate(tally, update(1, [0], [1]))).toThrow(/weight budget/);
});

const anyUpdate = fc
  .record({
    numExamples: fc.integer({ min: 1, max: 2 ** 15 }),
    owned: fc.option(fc.subarray([0, 1, 2, 3], { minLength: 1 }), { nil: null }),
    values: fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 4, maxLength: 4 }),
    sent: fc.subarray([0, 1, 2, 3]),
  })
  .map(({ numExamples, owned, values, sent }) => {
    const support = owned === null ? sent : sent.filter((i) => owned.includes(i));
    return update(numExamples, support, values.slice(0, support.length), owned);
  });

const plain = (tally: Tally) => ({
  total: tally.total,
  sum: [...tally.tensors.get("w")!.sum].map((v) => v + 0), // −0 and 0 are one integer
  owners: tally.tensors.get("w")!.owners && [...tally.tensors.get("w")!.owners!],
});

test("property: the same bits in any order and for any tree of merges", () => {
  const few = fc.array(anyUpdate, { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(few, fc.infiniteStream(fc.nat()), fc.nat(), (updates, keys, cut) => {
      const inOrder = plain(tallyOf(updates));
      const keyed = updates.map((one) => ({ one, key: keys.next().value! }));
      const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ one }) => one);
      const at = cut % (updates.length + 1);
      const merged = mergeTallies(tallyOf(shuffled.slice(at)), tallyOf(shuffled.slice(0, at)));
      expect(plain(tallyOf(shuffled))).toEqual(inOrder);
      expect(plain(merged)).toEqual(inOrder);
    }),
    { numRuns: 500 },
  );
});

test("property: within 2^-30 of a mean in float64", () => {
  fc.assert(
    fc.property(fc.array(anyUpdate, { minLength: 1, maxLength: 8 }), (updates) => {
      const exact = sendersOverOwners(tallyOf(updates), manifest).get("w")!.data;
      for (let j = 0; j < 4; j++) {
        let sum = 0;
        let owners = 0;
        for (const { numExamples, tensors } of updates) {
          const { mask, delta } = tensors.get("w")!;
          if (mask === null || mask.includes(j)) owners += numExamples;
          const at = delta.support!.indexOf(j);
          if (at >= 0) sum += numExamples * delta.values[at]!;
        }
        const expected = owners === 0 ? 0 : sum / owners;
        expect(Math.abs(exact[j]! - expected)).toBeLessThanOrEqual(2 ** -22 * Math.abs(expected) + 2 ** -28);
      }
    }),
    { numRuns: 300 },
  );
});
