import { expect, test } from "vitest";
import { centeredClipping } from "../../../src/aggregation/robust/centered-clipping.ts";
import { geometricMedian } from "../../../src/aggregation/robust/geometric-median.ts";
import { coordinateMedian } from "../../../src/aggregation/robust/median.ts";
import type { RobustRule } from "../../../src/aggregation/robust/rule.ts";
import { trimmedMean } from "../../../src/aggregation/robust/trimmed-mean.ts";
import { emptyResidual, encodeDelta, type Residual } from "../../../src/compress/error-feedback.ts";
import { planGroups } from "../../../src/compress/plan.ts";
import { manifestOf } from "../../../src/model/manifest.ts";
import type { UpdateMessage } from "../../../src/model/message.ts";
import type { PlanRule } from "../../../src/model/protocol.ts";
import { derive, gaussian } from "../../../src/model/rng.ts";
import { mapParams, type Params } from "../../../src/model/tensor.ts";
import { readingsOf } from "../../suites/updates.ts";

const LENGTH = 200;
const CLIENTS = 10;
const plan: readonly PlanRule[] = [
  { tensors: "*", codec: { select: { topK: 0.01 }, values: "float32" }, errorFeedback: true },
];
const vector = (at: (i: number) => number): Params =>
  new Map([["w", { shape: [LENGTH], data: Float32Array.from({ length: LENGTH }, (_, i) => at(i)) }]]);

type Change = (delta: Params, updates: readonly UpdateMessage[]) => Params;

/**
 * Each client wants the model at a place of its own, near one that all have in common, and goes half of the way every
 * round; 1 % of its coordinates are sent and the rest is owed. The model's distance from the common place, after each
 * round, over that at the start.
 */
function distances(rule: RobustRule, change: Change = (delta) => delta): readonly number[] {
  const rng = derive(3, "places");
  const common = vector(() => gaussian(rng));
  const places = Array.from({ length: CLIENTS }, () =>
    mapParams(common, ({ data }) => data.map((v) => v + 0.1 * gaussian(rng))),
  );
  let model = vector(() => 0);
  const manifest = manifestOf(model);
  const groups = planGroups(plan, manifest, "uplink");
  const residuals: Residual[] = places.map(() => emptyResidual(groups));
  const far = () =>
    Math.hypot(...model.get("w")!.data.map((v, i) => v - common.get("w")!.data[i]!)) /
    Math.hypot(...common.get("w")!.data);
  return Array.from({ length: 120 }, (_, round) => {
    const updates = places.map((place, i): UpdateMessage => {
      const wanted = mapParams(model, ({ data }) => data.map((v, j) => 0.5 * (place.get("w")!.data[j]! - v)));
      const { sent, residual } = encodeDelta(groups, wanted, residuals[i]!, [Infinity], round);
      residuals[i] = residual;
      const tensors = new Map([...sent].map(([name, delta]) => [name, { mask: null, delta }]));
      return {
        clientId: String(i),
        round,
        baseVersion: 0,
        numExamples: 1,
        numSteps: 1,
        trainLoss: 0,
        tensors,
      };
    });
    const { delta } = rule.combine(readingsOf(updates), {
      manifest,
      attackers: 0,
      previous: null,
      bytes: 2 ** 20,
    });
    const step = change(delta, updates).get("w")!.data;
    model = mapParams(model, ({ data }) => data.map((v, j) => v + step[j]!));
    return far();
  });
}

test.each([
  ["median", coordinateMedian],
  ["trimmed mean", trimmedMean],
  ["geometric median", geometricMedian],
  ["centered clipping", centeredClipping({ radius: "auto", iterations: 1, cutoff: null })],
  ["centered clipping, by default", centeredClipping({ radius: "auto", iterations: 3, cutoff: 4 })],
])("%s: stable and on its way under error feedback", (_, rule) => {
  const far = distances(rule);
  expect(Math.max(...far)).toBeLessThan(1.2);
  expect(far.at(-1)).toBeLessThan(0.3);
});

test("without holders over owners the median overshoots: what clients owe is applied several times over", () => {
  const undone: Change = (delta, updates) => {
    const holders = new Float32Array(LENGTH);
    for (const { tensors } of updates) for (const at of tensors.get("w")!.delta.support!) holders[at]!++;
    return mapParams(delta, ({ data }) =>
      data.map((v, j) => (holders[j] === 0 ? 0 : (v * CLIENTS) / holders[j]!)),
    );
  };
  expect(Math.max(...distances(coordinateMedian, undone))).toBeGreaterThan(10);
});
