import { afterAll, beforeAll, expect, test } from "vitest";
import type { Dataset } from "../../src/model/dataset.ts";
import type { Params } from "../../src/model/tensor.ts";
import { localTrainer } from "../../src/trainer/local.ts";
import { trainerPool } from "../../src/trainer/pool.ts";
import { type Half, round16 } from "../../src/trainer/round16.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";

const { signal } = new AbortController();
const name = "softmax-regression-in2-out2";
const halves = ["bfloat16", "float16"] as const;
let wasm: Trainer;
let cpu: Trainer;
beforeAll(async () => {
  wasm = await localTrainer({ engine: "wasm" });
  cpu = await trainerPool(1, { engine: "cpu", warn: () => {} });
});
afterAll(async () => {
  await wasm.close();
  await cpu.close();
});

const paramsOf = (kernel: readonly number[], bias: readonly number[]): Params =>
  new Map([
    ["dense1/kernel", { shape: [2, 2], data: Float32Array.from(kernel) }],
    ["dense1/bias", { shape: [2], data: Float32Array.from(bias) }],
  ]);
const examples = (inputs: readonly number[], labels: readonly number[]): Dataset => ({
  inputShape: [2],
  numClasses: 2,
  inputs: Float32Array.from(inputs),
  labels: Int32Array.from(labels),
});
const rounded = (values: readonly number[], precision: Half): readonly number[] => {
  const out = Float32Array.from(values);
  round16(out, out, precision);
  return [...out];
};

test.each(halves)(
  "one step by hand: masters of float32, params, logits and gradients of %s",
  async (precision) => {
    const kernel = [0.1, -0.2, 0.3, 0.7];
    const bias = [0.01, -0.03];
    const x = [1.2345, -0.6789];
    const learningRate = 0.5;
    const round = (values: readonly number[]) => rounded(values, precision);
    const [w, b] = [round(kernel), round(bias)];
    const logits = round([0, 1].map((c) => x[0]! * w[c]! + x[1]! * w[2 + c]! + b[c]!));
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    const scale = precision === "float16" ? 2 ** 15 : 1;
    const dLogits = round(logits.map((logit, c) => scale * (Math.exp(logit) / total - (c === 1 ? 1 : 0))));
    const dKernel = round([
      x[0]! * dLogits[0]!,
      x[0]! * dLogits[1]!,
      x[1]! * dLogits[0]!,
      x[1]! * dLogits[1]!,
    ]);

    const task = {
      architecture: name,
      params: paramsOf(kernel, bias),
      dataset: examples(x, [1]),
      ...{ epochs: 1, batchSize: 1, optimizer: { sgd: { learningRate, momentum: 0 } }, seed: 1, precision },
    };
    for (const trainer of [wasm, cpu]) {
      const { params } = await trainer.train(task, signal);
      params.get("dense1/kernel")!.data.forEach((value, i) => {
        expect(value).toBeCloseTo(kernel[i]! - (learningRate * dKernel[i]!) / scale, 6);
      });
      params.get("dense1/bias")!.data.forEach((value, i) => {
        expect(value).toBeCloseTo(bias[i]! - (learningRate * dLogits[i]!) / scale, 6);
      });
    }
  },
);

test("steps whose gradients float16 cannot hold are skipped and counted, and the scale is halved until it can", async () => {
  // of zero params the gradient is half the input: 8192 / 2 * scale is finite from scale 8 on, twelve halvings of 2^15
  const task = {
    architecture: name,
    params: paramsOf([0, 0, 0, 0], [0, 0]),
    dataset: examples(
      Array.from({ length: 40 }, () => 8192),
      Array(20).fill(1),
    ),
    ...{ epochs: 1, batchSize: 1, optimizer: { sgd: { learningRate: 2 ** -40, momentum: 0 } }, seed: 1 },
  };
  for (const trainer of [wasm, cpu]) {
    const half = await trainer.train({ ...task, precision: "float16" }, signal);
    expect(half).toMatchObject({ numSteps: 20, numSkipped: 12 });
    expect(half.params.get("dense1/kernel")!.data[1]).toBeCloseTo(8 * 4096 * 2 ** -40, 12);
    expect(await trainer.train({ ...task, precision: "bfloat16" }, signal)).not.toHaveProperty("numSkipped");
  }
});
