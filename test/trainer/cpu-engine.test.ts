import { afterAll, beforeAll, expect, test } from "vitest";
import type { Dataset } from "../../src/model/dataset.ts";
import { derive } from "../../src/model/rng.ts";
import { trainerPool } from "../../src/trainer/pool.ts";
import type { Trainer, TrainTask } from "../../src/trainer/trainer.ts";
import { initialParams } from "../../src/trainer/zoo.ts";

const never = new AbortController().signal;

const rng = derive(4, "cpu");
const dataset: Dataset = {
  inputShape: [28, 28, 1],
  numClasses: 10,
  inputs: Float32Array.from({ length: 12 * 784 }, rng.uniform),
  labels: Int32Array.from({ length: 12 }, () => rng.below(10)),
};
const task: TrainTask = {
  architecture: "tiny-cnn",
  params: initialParams("tiny-cnn", 2),
  dataset,
  epochs: 2,
  batchSize: 5,
  optimizer: { sgd: { learningRate: 0.02, momentum: 0.9 } },
  seed: 3,
};

let wasm: Trainer;
let cpu: Trainer;
const warnings: string[] = [];

// Each on a thread of its own: tfjs has one backend a thread.
beforeAll(async () => {
  wasm = await trainerPool(1, { engine: "wasm" });
  cpu = await trainerPool(1, { engine: "cpu", warn: (line) => warnings.push(line) });
});
afterAll(async () => {
  await Promise.all([wasm.close(), cpu.close()]);
});

test.each([
  ["sgd", {}],
  ["adam", { optimizer: { adam: { learningRate: 0.001 } } }],
  [
    "every option",
    { proximal: 0.1, clipNorm: 1, weightDecay: 0.01, labelSmoothing: 0.1, augment: { shift: 1 } },
  ],
  [
    "distillation",
    {
      soft: { logits: Float32Array.from({ length: 120 }, (_, i) => Math.sin(i)), temperature: 2, share: 0.5 },
    },
  ],
] as [string, Partial<TrainTask>][])(
  "the cpu engine trains the same model as wasm, to float tolerance: %s",
  async (_, changes) => {
    const [a, b] = await Promise.all(
      [wasm, cpu].map((trainer) => trainer.train({ ...task, ...changes }, never)),
    );
    expect(b!.numSteps).toBe(6);
    expect(b!.trainLoss).toBeCloseTo(a!.trainLoss, 4);
    for (const [name, { data }] of a!.params) {
      const other = b!.params.get(name)!.data;
      let worst = 0;
      data.forEach((v, i) => {
        worst = Math.max(worst, Math.abs(v - other[i]!));
      });
      expect(worst, name).toBeLessThan(2e-4);
    }
  },
);

test("it evaluates and predicts alike, twice the same, and warned once", async () => {
  const [a, b] = await Promise.all([wasm, cpu].map((trainer) => trainer.predict(task, never)));
  a!.forEach((logit, i) => {
    expect(b![i]).toBeCloseTo(logit, 4);
  });
  const [x, y] = await Promise.all([wasm, cpu].map((trainer) => trainer.evaluate(task, never)));
  expect(y!.accuracy).toBe(x!.accuracy);
  expect(y!.loss).toBeCloseTo(x!.loss, 4);
  const again = await Promise.all([1, 2].map(() => cpu.train(task, never)));
  expect(again[0]).toEqual(again[1]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("engine cpu");
});

test("the native engine is refused, by name, where it is not installed", async () => {
  await expect(trainerPool(1, { engine: "node" })).rejects.toThrow(/node: .*tfjs-node is not installed/);
});
