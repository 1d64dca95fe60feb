import { expect, test } from "vitest";
import {
  byExamples,
  clipped,
  discounted,
  fair,
  MAX_WEIGHT,
  WEIGHT_UNIT,
} from "../../src/aggregation/weight.ts";
import { update } from "./updates.ts";

const now = { version: 5, lastLoss: 0.5, usualNorm: null };
const fresh = (values: readonly number[], rest = {}) =>
  update(10, null, values, null, { baseVersion: 5, ...rest });

test("by examples, up to the cap", () => {
  const weight = 10 * WEIGHT_UNIT;
  expect(byExamples(2 ** 15)(fresh([1, 0, 0, 0]), now)).toEqual({ gain: weight, weight });
  expect(byExamples(4)(fresh([1, 0, 0, 0]), now)).toEqual({ gain: 4 * WEIGHT_UNIT, weight: 4 * WEIGHT_UNIT });
});

test("norm bounding: a norm of 5 counts as 2, one of 1 as it is, none as it is", () => {
  const weigh = clipped(byExamples(2 ** 15), 2);
  const weight = 10 * WEIGHT_UNIT;
  expect(weigh(fresh([3, 0, 4, 0]), now)).toEqual({ gain: (weight * 2) / 5, weight });
  expect(weigh(fresh([1, 0, 0, 0]), now)).toEqual({ gain: weight, weight });
  expect(weigh(fresh([0, 0, 0, 0]), now)).toEqual({ gain: weight, weight });
});

test("staleness: three versions old at exponent 1/2 counts half", () => {
  const weigh = discounted(byExamples(2 ** 15), 0.5);
  const weight = 10 * WEIGHT_UNIT;
  expect(weigh(fresh([1, 0, 0, 0]), now)).toEqual({ gain: weight, weight });
  expect(weigh(fresh([1, 0, 0, 0], { baseVersion: 2 }), now)).toEqual({ gain: weight / 2, weight });
});

test("q-FedAvg: gain F^q, weight F^q (1 + q L |delta|^2 / F)", () => {
  // F / lastLoss = 2 of at most 4: 2^24 / 2; |delta|^2 = 4, 1 / L = 0.1, F 1: 1 + 4 / 0.1 = 41
  expect(fair(1, (steps) => 0.1 * steps)(fresh([2, 0, 0, 0], { trainLoss: 1 }), now)).toEqual({
    gain: 2 ** 23,
    weight: 41 * 2 ** 23,
  });
  // q = 0: everybody alike
  const even = fair(0, () => 0.1);
  expect(even(fresh([2, 0, 0, 0], { trainLoss: 9 }), now)).toEqual({ gain: 2 ** 24, weight: 2 ** 24 });
  // q = 2: twice the loss counts four times
  const [once, twice] = [0.25, 0.5].map((trainLoss) =>
    fair(2, () => 0.1)(fresh([0, 0, 0, 0], { trainLoss }), now),
  );
  expect(twice!.gain / once!.gain).toBe(4);
});

test("q-FedAvg: a loss far from the last round's median counts a quarter of it or four times, in gain and weight", () => {
  const weigh = fair(1, () => 0.1);
  const claimed = (trainLoss: number) => weigh(fresh([1, 0, 0, 0], { trainLoss }), now);
  for (const tiny of [0, 1e-30, 0.001, 0.125])
    expect(claimed(tiny)).toEqual({ gain: 2 ** 20, weight: 81 * 2 ** 20 });
  for (const huge of [2, 100, 1e30]) expect(claimed(huge)).toEqual({ gain: 2 ** 24, weight: 6 * 2 ** 24 });
});

test("q-FedAvg: in the first round, of which no loss is known, all count alike", () => {
  const first = { ...now, lastLoss: null };
  for (const trainLoss of [0, 1e-30, 1, 1e30])
    expect(fair(0.1, () => 0.1)(fresh([9, 0, 0, 0], { trainLoss }), first)).toEqual({
      gain: 2 ** 24,
      weight: 2 ** 24,
    });
});

test("q-FedAvg stays within the bounds of a weight whatever a client claims", () => {
  for (const trainLoss of [0, -1, 1e-30, 1e30])
    for (const values of [
      [0, 0, 0, 0],
      [1e3, 1e3, 1e3, 1e3],
    ]) {
      const { gain, weight } = fair(5, () => 0)(fresh(values, { trainLoss }), now);
      expect(Number.isInteger(gain) && Number.isInteger(weight)).toBe(true);
      expect(gain).toBeGreaterThanOrEqual(1);
      expect(weight).toBeGreaterThanOrEqual(gain);
      expect(weight).toBeLessThanOrEqual(MAX_WEIGHT);
    }
});
