import fc from "fast-check";
import { expect, test } from "vitest";
import { sendersOverOwners } from "../../src/aggregation/mean.ts";
import {
  addUpdate,
  emptyTally,
  fits,
  type Grid,
  mergeTally,
  quantum,
  type Tally,
} from "../../src/aggregation/tally.ts";
import { byExamples, MAX_WEIGHT, WEIGHT_UNIT } from "../../src/aggregation/weight.ts";
import type { UpdateMessage } from "../../src/model/message.ts";
import { digestsOf } from "../suites/flat-vectors.ts";
import { manifest, update } from "./updates.ts";

const grid: Grid = { exponents: [3], weightBudget: 32 * MAX_WEIGHT };
const now = { version: 0, lastLoss: null, usualNorm: null };
const weigh = byExamples(2 ** 15);

function tallyOf(updates: readonly UpdateMessage[]): Tally {
  const tally = emptyTally(manifest, grid);
  for (const one of updates) addUpdate(tally, one, weigh(one, now), one.numSteps);
  return tally;
}

const sumsOf = (tally: Tally) => [...tally.sums.read(0, 4)];

const meanOf = (...updates: UpdateMessage[]) => [...sendersOverOwners(tallyOf(updates)).delta.get("w")!.data];

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
  const step = quantum(grid, 0);
  expect(step).toBe(2 ** (3 + 31 - 51));
  // an example weighs 2^16 units, so that 2^-17 steps of delta are half a step of the sum
  const half = step / 2 / WEIGHT_UNIT;
  const sumOf = (value: number) => sumsOf(tallyOf([update(1, [0], [value])]))[0];
  expect(sumOf(half)).toBe(0n); // 0.5 rounds to 0
  expect(sumOf(3 * half)).toBe(2n); // 1.5 rounds to 2
  expect(sumOf(-3 * half)).toBe(-2n);
  expect(sumOf(5 * half)).toBe(2n); // 2.5 rounds to 2
});

test("the grid widens where sums would outgrow 62 bits", () => {
  const many = { exponents: [3], weightBudget: 2 ** 20 * MAX_WEIGHT };
  expect(quantum(many, 0)).toBe(2 ** (3 + 51 - 62));
});

test("sums stay exact up to a full weight budget of extreme values", () => {
  const heavy = 2 ** 15;
  const tally = tallyOf(Array.from({ length: 32 }, () => update(heavy, null, [8, -8, 8, -8])));
  expect(tally.total).toBe(grid.weightBudget);
  expect(fits(tally, 1)).toBe(false);
  expect(sumsOf(tally)[0]).toBe(32n * 2n ** 51n);
  expect([...sendersOverOwners(tally).delta.get("w")!.data]).toEqual([8, -8, 8, -8]);
  const more = update(1, [0], [1]);
  expect(() => addUpdate(tally, more, weigh(more, now), 1)).toThrow(/weight budget/);
});

test("a gain below the weight moves the model less, and counts whole in the denominator", () => {
  const tally = emptyTally(manifest, grid);
  addUpdate(tally, update(1, null, [1, 1, 1, 1]), { gain: WEIGHT_UNIT / 2, weight: WEIGHT_UNIT }, 1);
  addUpdate(tally, update(1, null, [1, 0, 0, 0]), { gain: WEIGHT_UNIT, weight: WEIGHT_UNIT }, 1);
  expect([...sendersOverOwners(tally).delta.get("w")!.data]).toEqual([0.75, 0.25, 0.25, 0.25]);
  const beyond = { gain: 2, weight: 1 };
  expect(() => addUpdate(tally, update(1, null, [1, 1, 1, 1]), beyond, 1)).toThrow(/gain/);
});

test("covered is what a reporter owns, sent or not", () => {
  const { covered } = sendersOverOwners(tallyOf([update(1, [0], [6], [0, 1]), update(3, [1], [6], [1, 2])]));
  expect([...covered.get("w")!]).toEqual([0, 1, 2]);
  expect(sendersOverOwners(tallyOf([update(1, [0], [6])])).covered.get("w")).toBeNull();
});

test("the sums of a tally serve the next one, from zero", () => {
  const first = tallyOf([update(1, null, [1, 2, 3, 4])]);
  const next = emptyTally(manifest, grid, first.sums);
  expect(sumsOf(next)).toEqual([0n, 0n, 0n, 0n]);
  expect(next.total).toBe(0);
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
  steps: tally.steps,
  numUpdates: tally.numUpdates,
  sums: sumsOf(tally),
  owners: tally.owners[0] && [...tally.owners[0]],
});

test("property: the same bits in any order and for any tree of merges", () => {
  const few = fc.array(anyUpdate, { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(few, fc.infiniteStream(fc.nat()), fc.nat(), (updates, keys, cut) => {
      const inOrder = plain(tallyOf(updates));
      const keyed = updates.map((one) => ({ one, key: keys.next().value! }));
      const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ one }) => one);
      const at = cut % (updates.length + 1);
      const merged = tallyOf(shuffled.slice(at));
      mergeTally(merged, tallyOf(shuffled.slice(0, at)));
      expect(plain(tallyOf(shuffled))).toEqual(inOrder);
      expect(plain(merged)).toEqual(inOrder);
    }),
    { numRuns: 500 },
  );
});

test("property: within the grid's error of a mean in float64", () => {
  fc.assert(
    fc.property(fc.array(anyUpdate, { minLength: 1, maxLength: 8 }), (updates) => {
      const exact = sendersOverOwners(tallyOf(updates)).delta.get("w")!.data;
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
        expect(Math.abs(exact[j]! - expected)).toBeLessThanOrEqual(
          2 ** -23 * Math.abs(expected) + 8 * 2 ** (3 - 37),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test("packed values are folded to what the same values are, in a tally that waits too", () => {
  const length = 2 ** 22 + 5;
  const wide = { tensors: [{ name: "w", shape: [length] }] };
  const table = Float32Array.of(-0.25, 0, 0.75);
  const codes = Uint8Array.from({ length }, (_, i) => i % 3);
  const values = Float32Array.from(codes, (code) => table[code]!);
  const messageOf = (packed: boolean): UpdateMessage => ({
    ...update(5, null, []),
    tensors: new Map([
      [
        "w",
        { mask: null, delta: { length, support: null, values, ...(packed && { packed: { codes, table } }) } },
      ],
    ]),
  });
  const [packed, plain] = [true, false].map((isPacked) => {
    const tally = emptyTally(wide, grid);
    for (let i = 0; i < 2; i++) addUpdate(tally, messageOf(isPacked), { gain: 2 + i, weight: 5 }, 1);
    return tally;
  });
  expect(packed!.sums.isSettled()).toBe(false);
  const [actual, expected] = [packed!, plain!].map((tally) => sendersOverOwners(tally).delta.get("w")!.data);
  expect(digestsOf(actual)).toBe(digestsOf(expected));
  expect([...actual!.subarray(0, 3)]).toEqual([-0.125, 0, 0.375]); // (2 + 3) / (5 + 5) of each
});
