import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Dataset, subset } from "../../src/model/dataset.ts";
import { ConfigError } from "../../src/model/error.ts";
import { modelDigest } from "../../src/model/manifest.ts";
import { derive } from "../../src/model/rng.ts";
import { buildModel, type DropoutSource } from "../../src/trainer/build.ts";
import { openEngine } from "../../src/trainer/engine.ts";
import { type Architecture, vocabularyOf } from "../../src/trainer/layers.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import { groupNorm, groupsOf } from "../../src/trainer/ops/group-norm.ts";
import { trainerPool } from "../../src/trainer/pool.ts";
import type { Trainer, TrainTask } from "../../src/trainer/trainer.ts";
import { architecture, initialParams } from "../../src/trainer/zoo.ts";

// The zoo's models with more than convolutions and dense layers, trained.

const never = new AbortController().signal;
const names = [
  "lstm",
  "gru",
  "transformer",
  "separable-cnn",
  "group-norm-cnn-in8x8x1",
  "resnet-8-in8x8x1",
  "ncf-v40",
  "char-lstm-in12-v40-out2",
] as const;

/** Two classes: sequences rise or fall, texts use the lower or the upper half of the vocabulary, images lean. */
function learnable(name: string, count: number): Dataset {
  const { inputShape, numClasses } = architecture(name);
  const rng = derive(6, name);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const size = inputShape.reduce((a, b) => a * b, 1);
  const inputs = Float32Array.from({ length: count * size }, (_, i) => {
    const upper = labels[Math.floor(i / size)]! === 1;
    const half = (vocabularyOf(architecture(name)) ?? 0) / 2;
    if (half > 0) return rng.below(half) + (upper ? half : 0);
    const along = (i % size) / size;
    return (upper ? along : 1 - along) + rng.uniform() / 2;
  });
  return subset({ inputShape, numClasses, inputs, labels }, [...labels.keys()]);
}

const taskOf = (name: string, count: number): TrainTask => ({
  architecture: name,
  params: initialParams(name, 1),
  dataset: learnable(name, count),
  epochs: 8,
  batchSize: 16,
  optimizer: { adam: { learningRate: 0.003 } },
  seed: 5,
});

let trainer: Trainer;
beforeAll(async () => {
  trainer = await localTrainer({ engine: "wasm" });
});
afterAll(() => trainer.close());

describe.each(names)("%s", (name) => {
  test("learns, the same bits each time, and leaks no tensor", async () => {
    const task = taskOf(name, 96);
    const first = await trainer.train(task, never);
    const { numTensors } = tf.memory();
    const { accuracy } = await trainer.evaluate({ ...task, params: first.params }, never);
    expect(accuracy).toBeGreaterThan(0.95);
    expect(modelDigest((await trainer.train(task, never)).params)).toBe(modelDigest(first.params));
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test("trains to the same model, to float tolerance, from composed operations on the cpu engine", async () => {
    const task = {
      ...taskOf(name, 4),
      epochs: 2,
      batchSize: 3,
      optimizer: { sgd: { learningRate: 0.1, momentum: 0.9 } },
    };
    const cpu = await trainerPool(1, { engine: "cpu", warn: () => {} });
    try {
      const [ours, theirs] = await Promise.all([trainer.train(task, never), cpu.train(task, never)]);
      expect(theirs.trainLoss).toBeCloseTo(ours.trainLoss, 4);
      for (const [tensor, { data }] of ours.params) {
        const other = theirs.params.get(tensor)!.data;
        const scale = Math.max(0.01, ...data.map(Math.abs));
        expect(Math.max(...data.map((v, i) => Math.abs(v - other[i]!))) / scale).toBeLessThan(1e-3);
      }
    } finally {
      await cpu.close();
    }
  });
});

test("group norm by hand: two groups of two channels, over all pixels", async () => {
  await openEngine();
  const x = tf.tensor([1, 3, 10, 10, 3, 1, 30, 10], [1, 1, 2, 4]);
  const y = groupNorm(x, tf.tensor([1, 2, 1, 1]), tf.tensor([0, 0, 5, 0]), 2);
  // group 1: 1, 3, 3, 1, mean 2, variance 1; group 2: 10, 10, 30, 10, mean 15, variance 75
  const second = (v: number) => (v - 15) / Math.sqrt(75);
  const expected = [-1, 2, second(10) + 5, second(10), 1, -2, second(30) + 5, second(10)];
  [...y.dataSync()].forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 4);
  });
  expect([groupsOf(12, 4), groupsOf(9, 4), groupsOf(7, 4), groupsOf(2, 4)]).toEqual([4, 3, 1, 2]);
});

test("tokens are not augmented: they are no images", async () => {
  const task = { ...taskOf("transformer", 4), augment: { noise: 0.1 } };
  const error = await trainer.train(task, never).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as Error).message).toContain("train.augment");
});

test.each([1000, -1, 0.5, Number.NaN])(
  "a token that the model does not know is refused: %s",
  async (token) => {
    const task = taskOf("transformer", 4);
    const inputs = Float32Array.from(task.dataset.inputs);
    inputs[70] = token;
    const error = await trainer
      .train({ ...task, dataset: { ...task.dataset, inputs } }, never)
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toContain("data.inputs");
    expect((error as Error).message).toContain("tokens, integers 0 to 999");
  },
);

describe("dropout", () => {
  const quarter: Architecture = {
    name: "quarter",
    inputShape: [1000],
    numClasses: 1000,
    layers: [{ kind: "dropout", rate: 0.25 }],
  };
  const ones = (): tf.Tensor => tf.ones([8, 1000]);

  test("zeroes its share, scales the others up, and follows its stream alone", async () => {
    await openEngine();
    const source: DropoutSource = { rng: null };
    const model = buildModel(quarter, source);
    const apply = () => (model.apply(ones()) as tf.Tensor).dataSync();
    expect(new Set(apply())).toEqual(new Set([1]));
    source.rng = derive(1, "dropout");
    const dropped = apply();
    expect(new Set(dropped)).toEqual(new Set([0, Math.fround(4 / 3)]));
    // 8,000 draws of probability 1/4: four standard deviations are 155
    expect(Math.abs(dropped.filter((v) => v === 0).length - 2000)).toBeLessThan(155);
    expect(apply()).not.toEqual(dropped);
    source.rng = derive(1, "dropout");
    expect(apply()).toEqual(dropped);
  });

  test("the gradient passes where the value did", async () => {
    await openEngine();
    const source: DropoutSource = { rng: null };
    const model = buildModel(quarter, source);
    const run = (x: tf.Tensor): tf.Tensor => {
      source.rng = derive(2, "dropout");
      return model.apply(x) as tf.Tensor;
    };
    expect(tf.grad(run)(ones()).dataSync()).toEqual(run(ones()).dataSync());
  });

  test("is drawn anew at every step of training, from the task's seed", async () => {
    const task = { ...taskOf("separable-cnn", 32), epochs: 1, batchSize: 32 };
    const digestOf = async (seed: number) =>
      modelDigest((await trainer.train({ ...task, seed }, never)).params);
    // one batch of all examples: its order changes sums in their last bits only, dropout changes more
    const [a, b] = [
      await trainer.train({ ...task, seed: 1 }, never),
      await trainer.train({ ...task, seed: 2 }, never),
    ];
    expect(Math.abs(a.trainLoss - b.trainLoss)).toBeGreaterThan(1e-4);
    expect(await digestOf(1)).toBe(modelDigest(a.params));
    // two epochs of one batch without learning: the same loss twice, were it not drawn anew
    const losses: number[] = [];
    const still = { ...task, epochs: 2, optimizer: { sgd: { learningRate: 1e-30, momentum: 0 } } };
    await trainer.train(still, never, ({ trainLoss }) => losses.push(trainLoss));
    expect(Math.abs(losses[0]! - losses[1]!)).toBeGreaterThan(1e-4);
    // and evaluation drops nothing
    const logits = await trainer.predict(task, never);
    expect(await trainer.predict(task, never)).toEqual(logits);
  });
});
