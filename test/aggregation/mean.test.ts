import { expect, test } from "vitest";
import { STEPS_UNIT, sendersOverOwners, stepsTimesMean } from "../../src/aggregation/mean.ts";
import { addUpdate, emptyTally } from "../../src/aggregation/tally.ts";
import { byExamples, MAX_WEIGHT } from "../../src/aggregation/weight.ts";
import { manifest, update } from "./updates.ts";

test("FedNova: deltas a step, weighed by examples, times the mean number of steps", () => {
  const tally = emptyTally(manifest, { exponents: [3], weightBudget: 10 * MAX_WEIGHT });
  const weigh = byExamples(2 ** 15);
  for (const [numExamples, steps, perStep] of [
    [1, 2, [1, 0, 0, 0]], // moved by 2 in 2 steps
    [3, 10, [0, 1, 0, 0]], // moved by 10 in 10 steps
  ] as const) {
    const one = update(numExamples, null, perStep);
    addUpdate(tally, one, weigh(one, { version: 0, lastLoss: null, usualNorm: null }), steps * STEPS_UNIT);
  }
  // tau_eff = (1 * 2 + 3 * 10) / 4 = 8; the mean of the deltas a step is 1/4, 3/4
  expect([...sendersOverOwners(tally).delta.get("w")!.data]).toEqual([0.25, 0.75, 0, 0]);
  expect([...stepsTimesMean(tally).delta.get("w")!.data]).toEqual([2, 6, 0, 0]);
});
