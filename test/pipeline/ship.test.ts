import { afterAll, beforeAll, expect, test } from "vitest";
import { loadFederated } from "../../src/data/source.ts";
import type { DistillSettings } from "../../src/distill/task.ts";
import { type Dataset, subset } from "../../src/model/dataset.ts";
import type { Model } from "../../src/model/message.ts";
import type { Params } from "../../src/model/tensor.ts";
import { evaluator } from "../../src/pipeline/evaluate.ts";
import { shipper } from "../../src/pipeline/ship.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";
import { initialParams } from "../../src/trainer/zoo.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { studentParams } from "../../src/wire/student.ts";

const never = new AbortController().signal;
const settings = {
  student: "tiny-cnn",
  initial: "random" as const,
  temperature: 2,
  epochs: 1,
  prune: 0.8,
  quantizeBits: 4,
};

let trainer: Trainer;
let split: { clients: readonly Dataset[]; test: Dataset; transfer: Dataset };
let model: Model;
let accuracy: number;

/** A real teacher on real digits: one client with all the training data, two epochs. */
beforeAll(async () => {
  trainer = await localTrainer();
  const data = { source: "mnist", holdout: { test: 0.1, transfer: 0.05 }, partition: "iid" as const };
  const { clients, test: held, transfer } = await loadFederated(data, 4, 1);
  split = { clients, test: held!, transfer: transfer! };
  const { params } = await trainer.train(
    {
      architecture: "small-cnn",
      params: initialParams("small-cnn", 1),
      dataset: clients[0]!,
      epochs: 3,
      batchSize: 32,
      optimizer: { sgd: { learningRate: 0.05, momentum: 0.9 } },
      seed: 1,
    },
    never,
  );
  model = { version: 3, params };
  accuracy = (await evaluator(trainer, "small-cnn", split.test)(params, never))!.accuracy;
});

afterAll(() => trainer.close());

async function ship(
  teacher: "global" | "ensemble",
  lastUpdates: readonly Params[] = [],
  transfer: Dataset = split.transfer,
  changes: Partial<DistillSettings> = {},
) {
  const disk = memoryDisk();
  const lines: string[] = [];
  const shipped = await shipper({
    trainer,
    architecture: "small-cnn",
    settings: { ...settings, teacher, ...changes },
    transfer,
    test: split.test,
    seed: 1,
    disk,
    progress: (line) => lines.push(line),
  })(model, lastUpdates, never);
  return { shipped, lines, file: (await disk.read("student.fpz"))! };
}

test("a student of a real teacher: small, pruned, quantized, nearly as good, and measured from its file", async () => {
  expect(accuracy).toBeGreaterThan(0.93);
  const { shipped, lines, file } = await ship("global");
  expect(shipped).toMatchObject({ name: "student.fpz", numParams: 5994, bytes: file.length });
  expect(file.length).toBeLessThan(16 * 1024);
  expect(shipped.accuracy).toBeGreaterThan(accuracy - 0.04); // one epoch; the demo's five come within a point
  expect(lines.length).toBeGreaterThan(3);

  const frame = decodeFrame(file, defaultLimits);
  if (frame.kind !== "student") throw new Error(frame.kind);
  const params = studentParams(frame);
  const again = await trainer.evaluate({ architecture: "tiny-cnn", params, dataset: split.test }, never);
  expect(again.accuracy).toBe(shipped.accuracy);
  let kernels = 0;
  let alive = 0;
  for (const { shape, data } of params.values())
    if (shape.length > 1) {
      kernels += data.length;
      alive += data.filter((v) => v !== 0).length;
      expect(new Set(data.map(Math.abs)).size).toBeLessThanOrEqual(2 ** 3);
    }
  expect(alive / kernels).toBeLessThanOrEqual(0.2 + 1e-3);
});

test("the same task gives the same bytes; an ensemble of the last round teaches another student", async () => {
  const few = subset(
    split.transfer,
    Array.from({ length: 60 }, (_, i) => 8 * i),
  );
  const lastUpdates = [model.params, initialParams("small-cnn", 1)];
  const one = await ship("ensemble", lastUpdates, few);
  const two = await ship("ensemble", lastUpdates, few);
  expect(two.file).toEqual(one.file);
  expect(two.shipped.digest).toBe(one.shipped.digest);
  const none = await ship("ensemble", [], few);
  expect(none.lines[0]).toContain("the global model is the teacher");
  expect(none.file).not.toEqual(one.file);
});

test("a student that begins with the global model's values knows what 60 examples cannot teach it", async () => {
  const few = subset(
    split.transfer,
    Array.from({ length: 60 }, (_, i) => 8 * i),
  );
  const begun = async (changes: Partial<DistillSettings>) =>
    (await ship("global", [], few, changes)).shipped.accuracy;
  const whole = { student: "small-cnn", prune: 0.5 };
  expect(await begun({ ...whole, initial: "global" })).toBeGreaterThan(accuracy - 0.03);
  expect(await begun({ ...whole, initial: "random" })).toBeLessThan(accuracy - 0.06);
  // tiny-cnn's kernels have other shapes than small-cnn's
  expect(await begun({ initial: "global" })).toBeLessThan(accuracy - 0.06);
});

test("without data nothing is measured; an abort ends a distillation", async () => {
  expect(await evaluator(trainer, "small-cnn", null)(model.params, never)).toBeNull();
  const aborter = new AbortController();
  const distilling = shipper({
    trainer,
    architecture: "small-cnn",
    settings: { ...settings, teacher: "global", epochs: 50 },
    transfer: split.transfer,
    test: split.test,
    seed: 1,
    disk: memoryDisk(),
    progress: () => aborter.abort(new Error("enough")),
  })(model, [], aborter.signal);
  await expect(distilling).rejects.toThrow("enough");
});
