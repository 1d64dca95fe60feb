import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Dataset, subset } from "../../src/model/dataset.ts";
import { ConfigError } from "../../src/model/error.ts";
import { modelDigest } from "../../src/model/manifest.ts";
import { derive } from "../../src/model/rng.ts";
import { mapParams, type Params, zerosLike } from "../../src/model/tensor.ts";
import type { Trainer, TrainTask } from "../../src/trainer/trainer.ts";
import { initialParams } from "../../src/trainer/zoo.ts";

/** On what model the contract is shown: on the cpu engine a convolution takes a tenth of a second an example. */
interface Setting {
  readonly architecture: string;
  /** Another one, trained in between. */
  readonly other: string;
  readonly learningRate: number;
  /** Two of its tensors. */
  readonly tensors: readonly [string, string];
  /** Of three results; null where the last bits may differ between machines. */
  readonly digests: readonly string[] | null;
  /** Likewise of bfloat16 and float16. */
  readonly halves: readonly string[] | null;
}

const convolutional: Setting = {
  architecture: "tiny-cnn",
  other: "small-cnn",
  learningRate: 0.05,
  tensors: ["conv2/kernel", "dense1/bias"],
  digests: ["90c1d9424bc253e5", "ff1f0f94ee3623fc", "cbc7b43eb54a020a"],
  halves: ["dc2149278d1a9b8c", "78a0be1dfa363005"],
};

/** For engines without our kernels. */
export const linear: Setting = {
  architecture: "softmax-regression",
  other: "mlp",
  learningRate: 0.01,
  tensors: ["dense1/kernel", "dense1/bias"],
  digests: null,
  halves: null,
};

/** What every trainer does, however it runs. */
export function trainerContract(
  name: string,
  open: () => Promise<Trainer>,
  { architecture, other: otherName, learningRate, tensors, digests, halves }: Setting = convolutional,
): void {
  const baseTask: TrainTask = {
    architecture,
    params: initialParams(architecture, 1),
    dataset: problem,
    epochs: 2,
    batchSize: 32,
    optimizer: { sgd: { learningRate, momentum: 0.9 } },
    seed: 11,
  };

  /** A model whose logits are this bias, whatever it sees. */
  const onlyBias = (bias: readonly number[]): Params =>
    mapParams(zerosLike(baseTask.params), ({ data }, tensor) =>
      tensor === "dense1/bias" ? Float32Array.from(bias) : data,
    );

  describe(name, () => {
    let trainer: Trainer;

    beforeAll(async () => {
      trainer = await open();
    });
    afterAll(() => trainer.close());

    const train = (changes: Partial<TrainTask> = {}) => trainer.train({ ...baseTask, ...changes }, never);

    test("a task has one result, to the bit, whatever ran before or beside it", async () => {
      const [first, other, adam, again] = await Promise.all([
        train(),
        train({ architecture: otherName, params: initialParams(otherName, 3), seed: 4 }),
        train({ optimizer: { adam: { learningRate: 0.002 } } }),
        train(),
      ]);
      expect(again).toEqual(first);
      expect(await train()).toEqual(first);
      // pinned: the same on every machine, engine and trainer, until a kernel changes its order of operations
      const made = [first, other, adam].map(({ params }) => modelDigest(params).slice(0, 16));
      expect(new Set(made).size).toBe(3);
      if (digests !== null) expect(made).toEqual(digests);
    });

    test("precision: 16 bits learn too, by other steps; float32 is what there is without it", async () => {
      expect(await train({ precision: "float32" })).toEqual(await train());
      const made: string[] = [];
      for (const precision of ["bfloat16", "float16"] as const) {
        const result = await train({ precision, epochs: 4 });
        const { accuracy } = await trainer.evaluate({ ...baseTask, params: result.params }, never);
        expect(accuracy, precision).toBeGreaterThan(0.95);
        expect(await train({ precision, epochs: 4 })).toEqual(result);
        made.push(modelDigest(result.params).slice(0, 16));
      }
      made.push(modelDigest((await train({ epochs: 4 })).params).slice(0, 16));
      expect(new Set(made).size).toBe(3);
      if (halves !== null) expect(made.slice(0, 2)).toEqual(halves);
      await expect(train({ precision: "float8" as "float16" })).rejects.toThrow(
        'train.precision: "float8", expected one of float32, bfloat16, float16',
      );
    });

    test("order and seed matter: another seed gives other params", async () => {
      const [one, two] = await Promise.all([train({ seed: 1 }), train({ seed: 2 })]);
      expect(modelDigest(one.params)).not.toBe(modelDigest(two.params));
    });

    test.each([
      ["sgd", { sgd: { learningRate, momentum: 0.9 } }],
      ["adam", { adam: { learningRate: 0.01 } }],
    ] as const)("%s learns a learnable problem", async (_, optimizer) => {
      const before = await trainer.evaluate(baseTask, never);
      const { params, trainLoss, numSteps } = await train({ optimizer, epochs: 4 });
      const after = await trainer.evaluate({ ...baseTask, params }, never);
      expect(numSteps).toBe(4 * Math.ceil(200 / 32));
      expect(trainLoss).toBeLessThan(before.loss / 2);
      expect(after.loss).toBeLessThan(before.loss / 4);
      expect(after.accuracy).toBeGreaterThan(0.95);
    });

    test("leaves the task's params alone", async () => {
      const params = initialParams(architecture, 1);
      const digest = modelDigest(params);
      await train({ params });
      expect(modelDigest(params)).toBe(digest);
    });

    test("masked coordinates start and stay at zero, the others move", async () => {
      const masks = new Map(
        tensors.map((tensor) => {
          const rng = derive(8, tensor);
          const { length } = baseTask.params.get(tensor)!.data;
          return [tensor, Uint8Array.from({ length }, () => rng.below(2))];
        }),
      );
      for (const optimizer of [{ sgd: { learningRate, momentum: 0.9 } }, { adam: { learningRate: 0.01 } }]) {
        const { params } = await train({ masks, optimizer });
        for (const [tensor, mask] of masks) {
          const { data } = params.get(tensor)!;
          const start = baseTask.params.get(tensor)!.data;
          expect(data.filter((v, i) => mask[i] === 0 && !Object.is(v, 0))).toHaveLength(0);
          expect(data.filter((v, i) => mask[i] === 1 && v === start[i]).length).toBeLessThan(
            data.length / 20,
          );
        }
      }
    });

    test("evaluates by hand: one class at odds of nine to one against each other", async () => {
      // every logit is the bias: softmax gives class 0 one half and each of the others 1/18
      const params = onlyBias([Math.log(9), 0, 0, 0, 0, 0, 0, 0, 0, 0]);
      const dataset = { ...blank(3), labels: Int32Array.of(0, 3, 0) };
      const metrics = await trainer.evaluate({ architecture, params, dataset }, never);
      expect(metrics.accuracy).toBe(2 / 3);
      expect(metrics.loss).toBeCloseTo((2 * Math.log(2) + Math.log(18)) / 3, 6);
    });

    test("predicts every example in order, whatever surrounds it", async () => {
      const whole = await trainer.predict(baseTask, never);
      expect(whole).toHaveLength(200 * 10);
      for (const i of [0, 1, 127, 128, 199]) {
        const alone = await trainer.predict({ ...baseTask, dataset: subset(problem, [i]) }, never);
        expect(whole.slice(10 * i, 10 * i + 10)).toEqual(alone);
      }
    });

    test("one step of distillation by hand", async () => {
      // From zero params every logit is 0: the loss is share * T² * ln 10 + (1 - share) * ln 10, and only the last
      // bias moves, by -learningRate * (share * T * (q - p) + (1 - share) * (q - label)), q = 1/10.
      const teacher = Float32Array.from({ length: 10 }, (_, c) => (c === 7 ? 2 * Math.log(11) : 0));
      const p = (c: number) => (c === 7 ? 11 / 20 : 1 / 20); // softmax of the teacher at T = 2
      const { params, trainLoss } = await train({
        params: onlyBias(new Array<number>(10).fill(0)),
        dataset: { ...blank(1), labels: Int32Array.of(4) },
        epochs: 1,
        optimizer: { sgd: { learningRate: 1, momentum: 0 } },
        soft: { logits: teacher, temperature: 2, share: 0.75 },
      });
      expect(trainLoss).toBeCloseTo((0.75 * 4 + 0.25) * Math.log(10), 5);
      const bias = params.get("dense1/bias")!.data;
      for (let c = 0; c < 10; c++)
        expect(bias[c]).toBeCloseTo(-(0.75 * 2 * (0.1 - p(c)) + 0.25 * (0.1 - (c === 4 ? 1 : 0))), 6);
    });

    test("distillation with share 0 is training on labels, and teaches without labels at share 1", async () => {
      const teacher = await train({ epochs: 4 });
      const logits = await trainer.predict({ ...baseTask, params: teacher.params }, never);
      const hard = await train({ soft: { logits, temperature: 3, share: 0 } });
      expect(modelDigest(hard.params)).toBe(modelDigest((await train()).params));
      const unlabelled = { ...problem, labels: new Int32Array(200) };
      const student = await train({
        params: initialParams(architecture, 9),
        dataset: unlabelled,
        epochs: 6,
        optimizer: { adam: { learningRate: 0.01 } },
        soft: { logits, temperature: 3, share: 1 },
      });
      const { accuracy } = await trainer.evaluate({ ...baseTask, params: student.params }, never);
      expect(accuracy).toBeGreaterThan(0.95);
    });

    test("the last batch of an epoch may be smaller, and a batch larger than the data is all of it", async () => {
      const [large, exact] = await Promise.all([train({ batchSize: 1000 }), train({ batchSize: 200 })]);
      expect(large).toEqual(exact);
      expect(large.numSteps).toBe(2);
    });

    test("an abort throws its reason: before, while running and while waiting", async () => {
      const reason = new Error("no longer needed");
      await expect(trainer.train(baseTask, AbortSignal.abort(reason))).rejects.toBe(reason);
      const controller = new AbortController();
      const endless = { ...baseTask, epochs: 1_000_000 };
      const jobs = [1, 2, 3, 4].map(() => trainer.train(endless, controller.signal));
      const after = train();
      setTimeout(() => controller.abort(reason), 100);
      for (const job of await Promise.allSettled(jobs)) expect(job).toEqual({ status: "rejected", reason });
      expect((await after).numSteps).toBeGreaterThan(0);
    });

    test("an aborted job that waits is dropped while others run", async () => {
      const [running, waiting] = [new AbortController(), new AbortController()];
      const endless = { ...baseTask, epochs: 1_000_000 };
      const jobs = [1, 2].map(() => trainer.train(endless, running.signal)); // as many as the largest pool has threads
      const dropped = trainer.train(baseTask, waiting.signal);
      const reason = new Error("changed my mind");
      waiting.abort(reason);
      await expect(dropped).rejects.toBe(reason);
      running.abort();
      for (const job of jobs) await expect(job).rejects.toThrow("aborted");
    });

    test("a signal that is aborted already rejects at once, however busy the trainer is", async () => {
      const running = new AbortController();
      const busy = [1, 2].map(() => trainer.train({ ...baseTask, epochs: 1_000_000 }, running.signal));
      const reason = new Error("too late");
      await expect(trainer.train(baseTask, AbortSignal.abort(reason))).rejects.toBe(reason);
      running.abort();
      for (const job of busy) await expect(job).rejects.toThrow("aborted");
    });

    test("any number of jobs may wait under one signal, without a warning", async () => {
      const warned: Error[] = [];
      const onWarning = (warning: Error) => warned.push(warning);
      process.on("warning", onWarning);
      const { signal } = new AbortController();
      await Promise.all(Array.from({ length: 15 }, () => trainer.evaluate(baseTask, signal)));
      await new Promise((resolve) => setImmediate(resolve));
      process.off("warning", onWarning);
      expect(warned).toEqual([]);
    });

    test("a set that lacks classes of the model's is scored and learnt from as with all of them", async () => {
      const whole = baseTask.dataset;
      const some = subset(
        whole,
        [...whole.labels.keys()].filter((i) => whole.labels[i]! < 6),
      );
      const six = { ...some, numClasses: 6 };
      const evaluate = (dataset: Dataset) => trainer.evaluate({ ...baseTask, dataset }, never);
      expect(await evaluate(six)).toEqual(await evaluate(some));
      const smooth = (dataset: Dataset) => train({ dataset, labelSmoothing: 0.5 });
      expect((await smooth(six)).params).toEqual((await smooth(some)).params);
    });

    test("what does not fit is a ConfigError, naming the place", async () => {
      const { dataset, params } = baseTask;
      const labels = Int32Array.from(dataset.labels);
      labels[5] = 10;
      const few = new Map([...params].filter(([tensor]) => tensor !== tensors[1]));
      const bad: [Partial<TrainTask>, string][] = [
        [{ architecture: "huge-cnn" }, "model.zoo"],
        [{ dataset: { ...dataset, labels } }, "data.labels"],
        [{ dataset: { ...dataset, inputShape: [32, 32, 3] } }, "data.source"],
        [{ dataset: { ...dataset, inputs: dataset.inputs.subarray(1) } }, "data.inputs"],
        [{ dataset: subset(dataset, []) }, "data.labels"],
        [{ params: few }, `params.${tensors[1]}`],
        [{ epochs: 0 }, "train.epochs"],
        [{ batchSize: 1.5 }, "train.batchSize"],
        [{ soft: { logits: new Float32Array(3), temperature: 1, share: 1 } }, "soft.logits"],
        [{ soft: { logits: new Float32Array(2000), temperature: 0, share: 1 } }, "soft.temperature"],
        [{ soft: { logits: new Float32Array(2000), temperature: 1, share: 2 } }, "soft.share"],
        [{ masks: new Map([[tensors[0], new Uint8Array(3)]]) }, `masks.${tensors[0]}`],
      ];
      for (const [changes, path] of bad) {
        const error = await train(changes).catch((e: unknown) => e);
        expect(error).toBeInstanceOf(ConfigError);
        expect((error as ConfigError).problems.map((problem) => problem.path)).toEqual([path]);
      }
    });
  });
}

const never = new AbortController().signal;

/** 200 images in ten classes: a pattern a class, and noise. */
const problem: Dataset = learnable(200);

function learnable(count: number): Dataset {
  const patterns = derive(2, "patterns");
  const pattern = Float32Array.from({ length: 10 * 784 }, () => patterns.below(2));
  const noise = derive(2, "noise");
  const labels = Int32Array.from({ length: count }, (_, i) => i % 10);
  const inputs = Float32Array.from({ length: count * 784 }, (_, i) => {
    const label = labels[Math.floor(i / 784)]!;
    return (pattern[label * 784 + (i % 784)]! + noise.uniform()) / 2;
  });
  return subset({ inputShape: [28, 28, 1], numClasses: 10, inputs, labels }, [...labels.keys()]);
}

const blank = (count: number): Dataset => ({
  inputShape: [28, 28, 1],
  numClasses: 10,
  inputs: new Float32Array(count * 784),
  labels: new Int32Array(count),
});
