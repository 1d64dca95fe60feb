import type { Contract } from "../../src/coordinator/contract.ts";
import type { CoordinatorOptions } from "../../src/coordinator/options.ts";
import { sleep } from "../../src/model/clock.ts";
import { manifestOf } from "../../src/model/manifest.ts";
import type { PlanRule } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { mapParams, type Params } from "../../src/model/tensor.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";
import { options, type World } from "./federation.ts";

/** A federation whose coordinates move at very different rates, so that what was broadcast tells what will be. */

export const large: Params = new Map([
  ["a", { shape: [60, 50], data: new Float32Array(3000) }],
  ["b", { shape: [40], data: new Float32Array(40) }],
]);

export const largeFactory = (): Params => large;

const ternary = (history: boolean): readonly PlanRule[] => [
  {
    tensors: "*",
    codec: { select: { topK: 0.05 }, values: "ternary" },
    errorFeedback: true,
    ...(history && { history }),
  },
];

const withHistory = ternary(true);
export const without = ternary(false);

export function historyOptions(
  overrides: Parameters<typeof options>[0] = {},
  contract: Partial<Contract> = {},
): CoordinatorOptions {
  const made = options({ rounds: 6, goal: 2, uplink: withHistory, downlink: withHistory, ...overrides });
  return {
    ...made,
    contract: { ...made.contract, initial: large, manifest: manifestOf(large), ...contract },
  };
}

/** Steps of every client's own, in a second; what a coordinate moves by differs by orders of magnitude. */
export const uneven = (virtual: World): Trainer => ({
  engine: "by hand",
  train: async ({ params, seed }, signal) => {
    await sleep(virtual.clock, 1000, signal);
    const rates = derive(5, "rates");
    const steps = derive(seed, "steps");
    const next = mapParams(params, ({ data }) =>
      data.map((v) => v + 0.1 * rates.uniform() ** 8 * gaussian(steps)),
    );
    return { params: next, numSteps: 1, trainLoss: 0.5 };
  },
  evaluate: async () => ({ accuracy: 0, loss: 0 }),
  predict: async () => new Float32Array(),
  close: async () => {},
});
