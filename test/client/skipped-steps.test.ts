import { expect, test } from "vitest";
import { parseConfig } from "../../src/coordinator/config/config.ts";
import { federate } from "../../src/simulation/federate.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import { initialParams } from "../../src/trainer/zoo.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";

/** Half of the examples are told right from the start, with gradients of 0; of the others float16 holds none, scaled. */
const dataset = {
  inputShape: [2],
  numClasses: 2,
  inputs: new Float32Array(40).fill(8192),
  labels: Int32Array.from({ length: 20 }, (_, i) => i % 2),
};

test.each([
  ["float16", 10],
  ["bfloat16", 20],
])("a report in %s counts the steps that were taken: %d of 20", async (precision, taken) => {
  const trainer = await localTrainer({ engine: "wasm" });
  const zoo = "softmax-regression-in2-out2";
  const config = parseConfig({
    seed: 1,
    rounds: 1,
    clients: 1,
    model: { zoo },
    cohort: { goal: 1, overSelection: 1 },
    train: {
      epochs: 1,
      batchSize: 1,
      optimizer: { sgd: { learningRate: 2 ** -40, momentum: 0 } },
      precision,
    },
  });
  const reported: number[] = [];
  await federate(
    {
      config,
      runId: "test",
      initial: initialParams(zoo, 1),
      clients: [dataset],
      trainer,
      evaluate: async () => null,
      emit: () => {},
      tap: (bytes) => {
        const frame = decodeFrame(bytes, defaultLimits);
        if (frame.kind === "update") reported.push(frame.numSteps);
      },
    },
    new AbortController().signal,
  );
  expect(reported).toEqual([taken]);
  await trainer.close();
});
