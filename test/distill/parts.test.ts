import fc from "fast-check";
import { expect, test } from "vitest";
import { augment } from "../../src/distill/augment.ts";
import { bestClips, encodeOnGrid } from "../../src/distill/grid.ts";
import { partsOf } from "../../src/distill/lesson.ts";
import { kernelMasks, prunedAfter } from "../../src/distill/prune.ts";
import { teacherLogits } from "../../src/distill/teacher.ts";
import type { Dataset } from "../../src/model/dataset.ts";
import { derive } from "../../src/model/rng.ts";
import type { Params } from "../../src/model/tensor.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";
import { initialParams } from "../../src/trainer/zoo.ts";
import { decodeFrame, encodeFrame, type StudentFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { studentParams } from "../../src/wire/student.ts";

const never = new AbortController().signal;

function images(count: number): Dataset {
  const rng = derive(3, "images");
  return {
    inputShape: [12, 10, 1],
    numClasses: 4,
    inputs: Float32Array.from({ length: count * 120 }, rng.uniform),
    labels: Int32Array.from({ length: count }, () => rng.below(4)),
  };
}

test("variations: the originals first, labels kept, values within the originals' range, seeded", () => {
  const dataset = images(5);
  const varied = augment(dataset, 3, 7);
  expect([...varied.inputs.subarray(0, 600)]).toEqual([...dataset.inputs]);
  expect([...varied.labels]).toEqual([...dataset.labels, ...dataset.labels, ...dataset.labels]);
  expect(Math.min(...varied.inputs)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...varied.inputs)).toBeLessThan(1.000001);
  expect([...varied.inputs.subarray(600, 1200)]).not.toEqual([...dataset.inputs]);
  expect([...augment(dataset, 3, 7).inputs]).toEqual([...varied.inputs]);
  expect([...augment(dataset, 3, 8).inputs]).not.toEqual([...varied.inputs]);
});

test("a constant image stays what it is, moved or turned; other inputs are mixed, at most by half", () => {
  const flat: Dataset = { ...images(2), inputs: new Float32Array(240).fill(0.5) };
  for (const value of augment(flat, 4, 1).inputs) expect(value).toBeCloseTo(0.5, 6);
  const rows: Dataset = {
    inputShape: [2],
    numClasses: 2,
    inputs: Float32Array.from([0, 0, 1, 1]),
    labels: Int32Array.from([0, 1]),
  };
  const mixed = augment(rows, 20, 1).inputs;
  for (let copy = 1; copy < 20; copy++) {
    expect(mixed[copy * 4]).toBeLessThanOrEqual(0.5);
    expect(mixed[copy * 4 + 2]).toBeGreaterThanOrEqual(0.5);
  }
});

test("tokens stay tokens: some are the other example's, less than half of them in the mean", () => {
  const texts: Dataset = {
    inputShape: [50],
    numClasses: 2,
    inputs: Float32Array.from({ length: 100 }, (_, i) => (i < 50 ? i : 100 + i)),
    labels: Int32Array.from([0, 1]),
  };
  const varied = augment(texts, 30, 1, true).inputs;
  let numTaken = 0;
  varied.forEach((token, at) => {
    const place = at % 100;
    const other = place < 50 ? place + 150 : place - 50;
    if (token === other) numTaken++;
    else expect(token).toBe(texts.inputs[place]);
  });
  expect(numTaken).toBeGreaterThan(100);
  expect(numTaken).toBeLessThan(varied.length / 2);
});

test("the cubic schedule: nothing at first, all at the end, most of it early", () => {
  expect(prunedAfter(0, 0.8)).toBe(0);
  expect(prunedAfter(1, 0.8)).toBeCloseTo(0.8, 12);
  expect(prunedAfter(0.5, 0.8)).toBeCloseTo(0.8 * 0.875, 12); // 1 − (1/2)³
});

test("pruning keeps the largest of all kernels together, and every bias", () => {
  const params: Params = new Map([
    ["a/kernel", { shape: [2, 2], data: Float32Array.from([5, -6, 7, 0.1]) }],
    ["a/bias", { shape: [2], data: Float32Array.from([0, 0.01]) }],
    ["b/kernel", { shape: [2, 2], data: Float32Array.from([1, -2, 0.3, 8]) }],
  ]);
  const masks = kernelMasks(params, 0.5);
  expect([...masks.get("a/kernel")!]).toEqual([1, 1, 1, 0]);
  expect([...masks.get("b/kernel")!]).toEqual([0, 0, 0, 1]);
  expect([...masks.get("a/bias")!]).toEqual([1, 1]);
  for (const mask of kernelMasks(params, 1).values()) expect(mask.every((bit) => bit === 1)).toBe(true);
});

test("a student on its grid survives its frame to the bit, and being encoded again changes nothing", () => {
  const params = initialParams("tiny-cnn", 5);
  for (const bits of [1, 2, 4, 8]) {
    const clips = bestClips(params, bits);
    const frame = encodeOnGrid("tiny-cnn", params, clips, bits);
    const bytes = encodeFrame(frame);
    const back = decodeFrame(bytes, defaultLimits) as StudentFrame;
    const decoded = studentParams(back);
    expect(decoded).toEqual(studentParams(frame));
    for (const [name, { data, shape }] of decoded)
      if (shape.length > 1) expect(new Set(data.map(Math.abs)).size, name).toBeLessThanOrEqual(2 ** bits);
    if (bits > 1) expect(encodeFrame(encodeOnGrid("tiny-cnn", decoded, clips, bits))).toEqual(bytes);
  }
});

test("the clip of least error cuts an outlier off when that makes the steps finer for all others", () => {
  const rng = derive(1, "clip");
  const data = Float32Array.from({ length: 1000 }, () => rng.uniform() - 0.5);
  data[0] = 1.5;
  const params: Params = new Map([["k", { shape: [10, 100], data }]]);
  expect(bestClips(params, 3).get("k")!).toBeLessThan(1);
  expect(bestClips(params, 8).get("k")!).toBeGreaterThan(1.4);
});

test("an ensemble is the mean of its models' logits, and is not asked all at once", async () => {
  let asked = 0;
  let most = 0;
  const trainer = {
    predict: async ({ params }: { params: Params }) => {
      most = Math.max(most, ++asked);
      await Promise.resolve();
      asked--;
      return Float32Array.from({ length: 8 }, (_, i) => params.get("id")!.data[0]! * i);
    },
  } as unknown as Trainer;
  const models = Array.from(
    { length: 19 },
    (_, id): Params => new Map([["id", { shape: [1], data: Float32Array.from([id]) }]]),
  );
  const logits = await teacherLogits(trainer, { architecture: "x", models }, images(2), never);
  expect([...logits]).toEqual([0, 9, 18, 27, 36, 45, 54, 63]); // ids 0 to 18, mean 9
  expect(most).toBeLessThan(models.length);
});

test("property: the parts of a lesson are the lesson, every example once with its logits", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 8 }), (count, numParts) => {
      const dataset: Dataset = {
        inputShape: [1],
        numClasses: 2,
        inputs: Float32Array.from({ length: count }, (_, i) => i),
        labels: new Int32Array(count),
      };
      const logits = Float32Array.from({ length: 2 * count }, (_, i) => i);
      const parts = partsOf({ dataset, logits }, numParts);
      const seen = parts.flatMap((part) => [...part.dataset.inputs]);
      expect(seen.sort((a, b) => a - b)).toEqual([...dataset.inputs]);
      for (const part of parts)
        part.dataset.inputs.forEach((id, i) => {
          expect([...part.logits.subarray(2 * i, 2 * i + 2)]).toEqual([2 * id, 2 * id + 1]);
        });
    }),
    { numRuns: 50 },
  );
});
