import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { openEngine } from "../../src/trainer/engine.ts";
import { plansWith } from "../../src/trainer/plans.ts";
import type { Complement } from "../../src/trainer/wasm/complement.ts";

// Two results that tfjs' own wasm backend has silently wrong, and ours right. Should an upgrade of tfjs mend them,
// the second half of this file says so.

/** Two windows; the first has a maximum below zero. */
const poolGradient = (): number[] => {
  const x = tf.tensor4d([-4, -1, 5, 2], [1, 1, 4, 1]);
  const dy = tf.tensor4d([10, 20], [1, 1, 2, 1]);
  return [
    ...tf
      .grad((t) => tf.maxPool(t as tf.Tensor4D, [1, 2], [1, 2], "valid"))(x, dy)
      .dataSync(),
  ];
};
const POOL_GRADIENT = [0, 10, 20, 0];

/** Kernel 3x1 and stride 2, which is above the kernel's width. Sums of three rows of 1..16. */
const stridedConv = (): number[] => {
  const x = tf.tensor4d(
    Array.from({ length: 16 }, (_, i) => i + 1),
    [1, 4, 4, 1],
  );
  return [...tf.conv2d(x, tf.ones<tf.Rank.R4>([3, 1, 1, 1]), 2, "same").dataSync()];
};
const STRIDED_CONV = [15, 21, 22, 26]; // 1+5+9, 3+7+11, 9+13, 11+15

let complement: Complement;

beforeAll(async () => {
  complement = (await openEngine()).complement;
});

describe("with the complement", () => {
  test("max pooling sends gradient to maxima of any sign", () => {
    expect(poolGradient()).toEqual(POOL_GRADIENT);
  });

  test("'same' padding holds for strides above the kernel", () => {
    expect(stridedConv()).toEqual(STRIDED_CONV);
  });
});

describe("without it", () => {
  beforeAll(() => complement.remove());

  test("the stock backend loses gradients and returns zeros", () => {
    expect(poolGradient()).not.toEqual(POOL_GRADIENT);
    expect(stridedConv()).not.toEqual(STRIDED_CONV);
  });

  test("and cannot train a convolution", () => {
    const x = tf.ones<tf.Rank.R4>([1, 4, 4, 1]);
    const slope = tf.grad((filter) => tf.conv2d(x, filter as tf.Tensor4D, 1, "valid"));
    expect(() => slope(tf.ones([2, 2, 1, 1]))).toThrow("Conv2DBackpropFilter");
  });

  test("so the engine refuses to train", async () => {
    const engine = await openEngine();
    const plan = (await plansWith([]))("small-cnn");
    await expect(engine.session(plan)).rejects.toThrow("the stock wasm backend trains wrongly");
  });
});
