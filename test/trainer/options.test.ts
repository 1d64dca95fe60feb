import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Dataset } from "../../src/model/dataset.ts";
import { modelDigest } from "../../src/model/manifest.ts";
import { derive } from "../../src/model/rng.ts";
import type { Params } from "../../src/model/tensor.ts";
import { variationFor } from "../../src/trainer/augment.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import { plainArithmetic, plainVector } from "../../src/trainer/plain-arithmetic.ts";
import { trainerPool } from "../../src/trainer/pool.ts";
import { rateAt } from "../../src/trainer/schedule.ts";
import type { Session } from "../../src/trainer/session.ts";
import { decay, maskingFor, shapingFor } from "../../src/trainer/shaping.ts";
import type { EpochReport, Trainer, TrainTask } from "../../src/trainer/trainer.ts";
import { initialParams } from "../../src/trainer/zoo.ts";

const never = new AbortController().signal;

describe("schedules, by hand", () => {
  test("none, warm-up, constant", () => {
    expect(rateAt(undefined, 7, 10)).toBe(1);
    const warm = { warmUpSteps: 4, decay: "constant" as const };
    expect([0, 1, 2, 3, 4, 9].map((t) => rateAt(warm, t, 10))).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
  });
  test("a step halves every three", () => {
    const halving = { warmUpSteps: 0, decay: { step: { everySteps: 3, factor: 0.5 } } };
    expect([0, 2, 3, 5, 6, 9].map((t) => rateAt(halving, t, 10))).toEqual([1, 1, 0.5, 0.5, 0.25, 0.125]);
  });
  test("half a cosine down to its floor at the last step", () => {
    const cosine = { warmUpSteps: 1, decay: { cosine: { floor: 0.2 } } };
    expect(rateAt(cosine, 1, 6)).toBeCloseTo(1, 12);
    expect(rateAt(cosine, 3, 6)).toBeCloseTo(0.2 + 0.4 * (1 + Math.cos(Math.PI / 2)), 12);
    expect(rateAt(cosine, 5, 6)).toBeCloseTo(0.2, 12);
    for (let t = 1; t < 6; t++)
      expect(rateAt(cosine, t, 6)).toBeCloseTo(0.2 + 0.4 * (1 + Math.cos((Math.PI * (t - 1)) / 4)), 11);
  });
});

describe("shaping gradients, by hand", () => {
  const values = plainVector(Float32Array.from([3, 4]));
  const session = { weights: [{ name: "w", count: 2, vector: values }] } as unknown as Session;
  const params: Params = new Map([["w", { shape: [2], data: Float32Array.from([1, 1]) }]]);
  const shaped = (task: Partial<TrainTask>, ...gradient: number[]) => {
    const shape = shapingFor({ params, ...task } as TrainTask, session, plainArithmetic());
    return [...shape([plainVector(Float32Array.from(gradient))])[0]!.view()];
  };

  test("FedProx pulls towards the start: g + mu (w - w0)", () => {
    expect(shaped({ proximal: 0.5 }, 1, -1)).toEqual([1 + 0.5 * 2, -1 + 0.5 * 3]);
  });
  test("a correction is added as it is", () => {
    const correction: Params = new Map([["w", { shape: [2], data: Float32Array.from([0.25, -2]) }]]);
    expect(shaped({ correction }, 1, 1)).toEqual([1.25, -1]);
  });
  test("clipping scales to the norm, and leaves smaller ones alone", () => {
    expect(shaped({ clipNorm: 1 }, 3, 4)).toEqual([Math.fround(0.6), Math.fround(0.8)]);
    expect(shaped({ clipNorm: 6 }, 3, 4)).toEqual([3, 4]);
  });
  test("the gradient itself is not touched", () => {
    const gradient = Float32Array.from([3, 4]);
    shapingFor({ params, clipNorm: 1 } as TrainTask, session, plainArithmetic())([plainVector(gradient)]);
    expect([...gradient]).toEqual([3, 4]);
  });
  test("decay takes its share; masks zero what they leave out", () => {
    const w = plainVector(Float32Array.from([10, -20]));
    decay([w], 0.25);
    expect([...w.view()]).toEqual([7.5, -15]);
    const masked = { weights: [{ name: "w", count: 2, vector: w }] } as unknown as Session;
    maskingFor({ masks: new Map([["w", Uint8Array.from([0, 1])]]) } as unknown as TrainTask, masked)();
    expect([...w.view()]).toEqual([0, -15]);
  });
});

describe("augmentation", () => {
  const shape = [3, 4, 1];
  const image = () => Float32Array.from({ length: 12 }, (_, i) => i + 1);

  test("is nothing when nothing is asked for", () => {
    expect(variationFor(undefined, shape, 1)).toBeNull();
    expect(variationFor({ shift: 0, flip: false, noise: 0 }, shape, 1)).toBeNull();
  });
  test("a shift moves rows and columns and brings zeros in: every pixel is where one shift puts it", () => {
    const vary = variationFor({ shift: 2 }, shape, 5)!;
    const seen = new Set<string>();
    for (let example = 0; example < 60; example++) {
      const moved = image();
      vary(moved, example, 0);
      const fits = (down: number, right: number) =>
        moved.every((value, i) => {
          const [row, column] = [Math.floor(i / 4) - down, (i % 4) - right];
          const inside = row >= 0 && row < 3 && column >= 0 && column < 4;
          return value === (inside ? row * 4 + column + 1 : 0);
        });
      const moves = [-2, -1, 0, 1, 2];
      const found = moves.flatMap((d) => moves.map((r) => [d, r] as const)).filter(([d, r]) => fits(d, r));
      expect(found).toHaveLength(1);
      seen.add(String(found[0]));
    }
    expect(seen.size).toBeGreaterThan(15); // of 25
  });
  test("a flip mirrors about every other image", () => {
    const vary = variationFor({ flip: true }, shape, 5)!;
    let flipped = 0;
    for (let example = 0; example < 200; example++) {
      const values = image();
      vary(values, example, 0);
      if (values[0] === 4) {
        flipped++;
        expect([...values]).toEqual([4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9]);
      } else expect([...values]).toEqual([...image()]);
    }
    expect(flipped).toBeGreaterThan(70);
    expect(flipped).toBeLessThan(130);
  });
  test("noise has its deviation; draws depend on seed, example and epoch alone", () => {
    const vary = variationFor({ noise: 0.5 }, [10_000], 5)!;
    const draw = (example: number, epoch: number) => {
      const values = new Float32Array(10_000);
      vary(values, example, epoch);
      return values;
    };
    const noise = draw(3, 2);
    const mean = noise.reduce((sum, v) => sum + v, 0) / noise.length;
    const variance = noise.reduce((sum, v) => sum + (v - mean) ** 2, 0) / noise.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.sqrt(variance)).toBeCloseTo(0.5, 1);
    expect(draw(3, 2)).toEqual(noise);
    expect(draw(3, 3)).not.toEqual(noise);
    expect(draw(4, 2)).not.toEqual(noise);
  });
});

function digits(count: number): Dataset {
  const rng = derive(11, "digits");
  const labels = Int32Array.from({ length: count }, () => rng.below(10));
  const inputs = new Float32Array(count * 784);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < 78; j++) inputs[i * 784 + labels[i]! * 78 + j] = 0.5 + rng.uniform() / 2;
  return { inputShape: [28, 28, 1], numClasses: 10, inputs, labels };
}

const base: TrainTask = {
  architecture: "tiny-cnn",
  params: initialParams("tiny-cnn", 1),
  dataset: digits(32),
  epochs: 1,
  batchSize: 32,
  optimizer: { sgd: { learningRate: 0.1, momentum: 0 } },
  seed: 1,
};

/** Largest difference of two models' coordinates. */
const distance = (a: Params, b: Params): number =>
  Math.max(
    ...[...a].map(([name, { data }]) => Math.max(...data.map((v, i) => Math.abs(v - b.get(name)!.data[i]!)))),
  );

/** The norm of the difference, over all tensors. */
function lengthOf(a: Params, b: Params): number {
  let squares = 0;
  for (const [name, { data }] of a)
    data.forEach((v, i) => {
      squares += (v - b.get(name)!.data[i]!) ** 2;
    });
  return Math.sqrt(squares);
}

describe("options in a training, one step", () => {
  let trainer: Trainer;
  beforeAll(async () => {
    trainer = await localTrainer({ engine: "wasm" });
  });
  afterAll(() => trainer.close());
  const trained = async (changes: Partial<TrainTask>) =>
    (await trainer.train({ ...base, ...changes }, never)).params;

  test("weight decay is decoupled: rate * decay of every coordinate, past the gradient", async () => {
    const [plain, decayed] = [await trained({}), await trained({ weightDecay: 0.5 })];
    for (const [name, { data }] of plain)
      for (let i = 0; i < data.length; i += 37)
        expect(decayed.get(name)!.data[i]!).toBeCloseTo(
          data[i]! - 0.1 * 0.5 * base.params.get(name)!.data[i]!,
          5,
        );
  });
  test("a correction moves every coordinate by rate times itself", async () => {
    const correction: Params = new Map(
      [...base.params].map(([name, { shape, data }]) => [
        name,
        { shape, data: data.map((_, i) => (i % 5) / 10) },
      ]),
    );
    const [plain, corrected] = [await trained({}), await trained({ correction })];
    for (const [name, { data }] of plain)
      for (let i = 0; i < data.length; i += 41)
        expect(corrected.get(name)!.data[i]!).toBeCloseTo(data[i]! - 0.1 * ((i % 5) / 10), 5);
  });
  test("a clipped step is no longer than rate times the norm", async () => {
    const clipped = await trained({ clipNorm: 0.01 });
    expect(lengthOf(clipped, base.params)).toBeCloseTo(0.1 * 0.01, 6);
  });
  test("a clipped update is as long as it may be and points where it did; a shorter one stays", async () => {
    const free = await trained({ epochs: 5 });
    const length = lengthOf(free, base.params);
    const clipped = await trained({ epochs: 5, updateClipNorm: length / 4 });
    expect(lengthOf(clipped, base.params)).toBeCloseTo(length / 4, 5);
    for (const [name, { data }] of free)
      for (let i = 0; i < data.length; i += 37) {
        const start = base.params.get(name)!.data[i]!;
        expect(clipped.get(name)!.data[i]! - start).toBeCloseTo((data[i]! - start) / 4, 5);
      }
    expect(distance(await trained({ epochs: 5, updateClipNorm: 2 * length }), free)).toBe(0);
  });
  test("warm-up starts small, smoothing and augmentation change the step, FedProx changes it from the second on", async () => {
    const plain = await trained({});
    const warm = await trained({ schedule: { warmUpSteps: 10, decay: "constant" } });
    expect(distance(warm, base.params)).toBeCloseTo(distance(plain, base.params) / 10, 6);
    for (const changes of [{ labelSmoothing: 0.2 }, { augment: { shift: 2 } }, { augment: { noise: 0.1 } }])
      expect(distance(await trained(changes), plain)).toBeGreaterThan(0);
    expect(distance(await trained({ proximal: 5 }), plain)).toBe(0);
    const far = await trained({ epochs: 5 });
    const near = await trained({ epochs: 5, proximal: 5 });
    expect(distance(near, base.params)).toBeLessThan(distance(far, base.params));
  });
  test("bad options are named", async () => {
    const bad: [Partial<TrainTask>, string][] = [
      [{ proximal: -1 }, "train.proximal"],
      [{ clipNorm: 0 }, "train.clipNorm"],
      [{ updateClipNorm: -1 }, "train.updateClipNorm"],
      [{ weightDecay: Number.NaN }, "train.weightDecay"],
      [{ labelSmoothing: 1 }, "train.labelSmoothing"],
      [{ augment: { shift: 1.5 } }, "train.augment.shift"],
      [{ schedule: { warmUpSteps: -1, decay: "constant" } }, "train.schedule.warmUpSteps"],
      [
        { schedule: { warmUpSteps: 0, decay: { cosine: { floor: 2 } } } },
        "train.schedule.decay.cosine.floor",
      ],
    ];
    for (const [changes, path] of bad) await expect(trained(changes), path).rejects.toThrow(path);
  });
});

test("epochs are reported as they end, in this thread and from a pool, and change nothing", async () => {
  const task = {
    ...base,
    epochs: 3,
    batchSize: 8,
    augment: { shift: 1, flip: true, noise: 0.1 },
    proximal: 0.1,
  };
  const digests: string[] = [];
  for (const open of [() => localTrainer({ engine: "wasm" }), () => trainerPool(2)]) {
    const trainer = await open();
    const reports: EpochReport[] = [];
    const { params, trainLoss } = await trainer.train(task, never, (report) => reports.push(report));
    expect(reports.map(({ epoch, numSteps }) => [epoch, numSteps])).toEqual([
      [1, 4],
      [2, 8],
      [3, 12],
    ]);
    expect(reports.at(-1)!.trainLoss).toBe(trainLoss);
    digests.push(modelDigest(params));
    await trainer.close();
  }
  expect(digests[0]).toBe(digests[1]);
});
