import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { subset } from "../../src/model/dataset.ts";
import { derive } from "../../src/model/rng.ts";
import { mapParams } from "../../src/model/tensor.ts";
import { openEngine } from "../../src/trainer/engine.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import type { Trainer, TrainTask } from "../../src/trainer/trainer.ts";
import { initialParams } from "../../src/trainer/zoo.ts";
import { trainerContract } from "../suites/trainer.ts";

trainerContract("the local trainer", localTrainer);

const never = new AbortController().signal;

describe("in this thread", () => {
  let trainer: Trainer;
  beforeAll(async () => {
    trainer = await localTrainer();
  });

  const rng = derive(3, "local");
  const task: TrainTask = {
    architecture: "tiny-cnn",
    params: initialParams("tiny-cnn", 1),
    dataset: {
      inputShape: [28, 28, 1],
      numClasses: 10,
      inputs: Float32Array.from({ length: 70 * 784 }, () => rng.uniform()),
      labels: Int32Array.from({ length: 70 }, () => rng.below(10)),
    },
    epochs: 3,
    batchSize: 8,
    optimizer: { adam: { learningRate: 0.001 } },
    seed: 1,
  };

  test("no tensor and no memory is left behind, after success, failure and abort", async () => {
    const soft = { logits: new Float32Array(700), temperature: 2, share: 0.5 };
    const masks = new Map([["conv1/kernel", new Uint8Array(200).fill(1)]]);
    const run = async () => {
      await trainer.train({ ...task, soft, masks }, never);
      await trainer.evaluate(task, never);
      await trainer.predict(task, never);
      await trainer.train({ ...task, epochs: -1 }, never).catch(() => {});
      const controller = new AbortController();
      setImmediate(() => controller.abort());
      await trainer.train({ ...task, epochs: 1000 }, controller.signal).catch(() => {});
    };
    await run();
    const { heap } = (await openEngine()).workspace;
    const before = { ...tf.memory(), heap: heap.memory.buffer.byteLength };
    for (let i = 0; i < 10; i++) await run();
    expect({ ...tf.memory(), heap: heap.memory.buffer.byteLength }).toEqual(before);
  });

  test("the event loop turns while it trains", async () => {
    let turns = 0;
    let isDone = false;
    const tick = (): void => {
      turns++;
      if (!isDone) setImmediate(tick);
    };
    setImmediate(tick);
    const { numSteps } = await trainer.train(task, never);
    isDone = true;
    expect(turns).toBeGreaterThanOrEqual(Math.floor(numSteps / 4));
  });

  test("one full-batch step moves params by the loss's finite difference", async () => {
    const dataset = subset(task.dataset, [0, 1, 2, 3, 4, 5]);
    const start = initialParams("tiny-cnn", 5);
    const sgd = { learningRate: 1, momentum: 0 };
    const step = { ...task, params: start, dataset, epochs: 1, optimizer: { sgd } };
    const { params } = await trainer.train(step, never);
    const h = 1 / 4096; // smaller drowns in float32, larger meets the kinks of relu and pooling
    const lossWith = async (name: string, at: number, change: number) => {
      const moved = mapParams(start, ({ data }, tensor) => {
        const copy = data.slice();
        if (tensor === name) copy[at]! += change;
        return copy;
      });
      return (await trainer.evaluate({ ...step, params: moved }, never)).loss;
    };
    for (const [name, { data }] of start)
      for (let i = 0; i < 8; i++) {
        const at = derive(6, name, i).below(data.length);
        const slope = ((await lossWith(name, at, h)) - (await lossWith(name, at, -h))) / (2 * h);
        expect(Math.abs(data[at]! - params.get(name)!.data[at]! - slope)).toBeLessThan(2e-3);
      }
  });

  test("refuses to train on another backend than the patched one", async () => {
    await import("@tensorflow/tfjs-backend-cpu");
    await tf.setBackend("cpu");
    await expect(trainer.train(task, never)).rejects.toThrow(
      "training needs tfjs' wasm backend, but cpu is active",
    );
    await tf.setBackend("wasm");
    await expect(trainer.train(task, never)).resolves.toBeDefined();
  });
});
