import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { derive, type Rng } from "../../src/model/rng.ts";

/** An operation on random inputs of these shapes. */
export interface Check {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** False for what tfjs has no gradient of. */
  readonly hasGradient?: boolean;
}

/**
 * The largest difference between the wasm and the cpu backend, over the operation's values and the gradients of all
 * of its inputs, relative to the largest value of each (at least 1). Leaves the wasm backend active.
 */
export async function worstError(check: Check): Promise<number> {
  const reference = await outputsOn("cpu", check);
  const ours = await outputsOn("wasm", check);
  return Math.max(...reference.map((expected, i) => relativeError(ours[i]!, expected)));
}

function relativeError(got: Output, expected: Output): number {
  if (got.shape.join() !== expected.shape.join()) return Number.POSITIVE_INFINITY;
  let scale = 1;
  for (const v of expected.values) scale = Math.max(scale, Math.abs(v));
  let worst = 0;
  for (let i = 0; i < expected.values.length; i++) {
    const error = Math.abs(got.values[i]! - expected.values[i]!) / scale;
    if (!(error <= worst)) worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }
  return worst;
}

interface Output {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
}

async function outputsOn(
  backend: "cpu" | "wasm",
  { name, shapes, run, hasGradient }: Check,
): Promise<Output[]> {
  await tf.setBackend(backend);
  const outputs: Output[] = [];
  tf.tidy(() => {
    const inputs = shapes.map((shape, i) =>
      tf.tensor(randomValues(tf.util.sizeFromShape([...shape]), name, i), [...shape]),
    );
    const y = run(...inputs);
    const dy = tf.tensor(randomValues(y.size, name, "dy"), y.shape);
    const gradients = hasGradient === false ? [] : tf.grads(run)(inputs, dy);
    for (const tensor of [y, ...gradients]) outputs.push({ shape: tensor.shape, values: tensor.dataSync() });
  });
  return outputs;
}

function randomValues(count: number, ...path: readonly (string | number)[]): Float32Array {
  const rng = derive(1, ...path);
  return Float32Array.from({ length: count }, () => 2 * rng.uniform() - 1);
}

/** An integer from `low` to `high`. */
export const between = (rng: Rng, low: number, high: number): number => low + rng.below(high - low + 1);

export const pick = <T>(rng: Rng, choices: readonly T[]): T => choices[rng.below(choices.length)]!;
