import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { derive } from "../../src/model/rng.ts";
import { openEngine } from "../../src/trainer/engine.ts";
import { replacements } from "../../src/trainer/wasm/complement.ts";
import { between, type Check, pick, worstError } from "./compare.ts";

// Every kernel of the complement against tfjs' cpu backend, through tfjs' own operations and gradients.

const BOUND = 1e-5;

const called = new Set<string>();
let numChecks = 0;
let worst = 0;

beforeAll(async () => {
  const { complement } = await openEngine();
  complement.check();
  for (const kernelName of Object.keys(replacements)) {
    const config = tf.getKernel(kernelName, "wasm");
    tf.unregisterKernel(kernelName, "wasm");
    const kernelFunc: tf.KernelFunc = (call) => {
      called.add(kernelName);
      return config.kernelFunc(call);
    };
    tf.registerKernel({ ...config, kernelFunc });
  }
});

afterAll(() => {
  console.log(`${numChecks} checks against the cpu backend, worst relative error ${worst.toExponential(1)}`);
});

async function expectRight(checks: readonly Check[]): Promise<void> {
  const wrong: string[] = [];
  for (const check of checks) {
    const error = await worstError(check);
    numChecks++;
    worst = Math.max(worst, error);
    if (!(error < BOUND)) wrong.push(`${check.name}: ${error}`);
  }
  expect(wrong).toEqual([]);
}

const many = (
  count: number,
  label: string,
  make: (rng: ReturnType<typeof derive>) => Check | Check[],
): Check[] => Array.from({ length: count }, (_, i) => make(derive(5, label, i))).flat();

describe("the complement agrees with the cpu backend", () => {
  test("convolution: any shape, stride and padding", async () => {
    await expectRight(
      many(70, "conv", (rng) => {
        const [kh, kw] = [between(rng, 1, 5), between(rng, 1, 5)];
        const [height, width] = [between(rng, 5, 12), between(rng, 5, 12)];
        const [channels, filters] = [pick(rng, [1, 1, 2, 3, 4, 7, 8]), between(rng, 1, 13)];
        const strides: [number, number] = [between(rng, 1, 3), between(rng, 1, 3)];
        const edge = (size: number): [number, number] => [
          between(rng, 0, size - 1),
          between(rng, 0, size - 1),
        ];
        const explicit: tf.backend_util.ExplicitPadding = [[0, 0], edge(kh), edge(kw), [0, 0]];
        const pad = pick<typeof explicit | "same" | "valid">(rng, ["same", "valid", explicit]);
        return {
          name: `conv2d ${[height, width, channels, kh, kw, filters, ...strides]} ${JSON.stringify(pad)}`,
          shapes: [
            [between(rng, 1, 3), height, width, channels],
            [kh, kw, channels, filters],
          ],
          run: (x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad),
        };
      }),
    );
  });

  test("convolution: large enough for several chunks and blocks; dilated; pointwise; transposed; 1-d", async () => {
    const conv = (x: tf.Tensor, filter: tf.Tensor) =>
      tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, "same");
    await expectRight([
      {
        name: "one channel",
        shapes: [
          [17, 28, 28, 1],
          [5, 5, 1, 8],
        ],
        run: conv,
      },
      {
        name: "many channels",
        shapes: [
          [5, 14, 14, 17],
          [3, 3, 17, 33],
        ],
        run: conv,
      },
      {
        name: "pointwise",
        shapes: [
          [3, 6, 5, 9],
          [1, 1, 9, 11],
        ],
        run: conv,
      },
      {
        name: "dilated",
        shapes: [
          [2, 9, 8, 2],
          [3, 3, 2, 3],
        ],
        run: (x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, "same", "NHWC", 2),
        hasGradient: false,
      },
      {
        name: "transposed",
        shapes: [
          [2, 4, 4, 5],
          [3, 3, 3, 5],
        ],
        run: (x, filter) =>
          tf.conv2dTranspose(x as tf.Tensor4D, filter as tf.Tensor4D, [2, 8, 8, 3], 2, "same"),
      },
      {
        name: "1-d",
        shapes: [
          [2, 9, 4],
          [3, 4, 5],
        ],
        run: (x, filter) => tf.conv1d(x as tf.Tensor3D, filter as tf.Tensor3D, 1, "same"),
      },
    ]);
  });

  test("convolution and matrix product fused with bias and activation", async () => {
    const activations = ["linear", "relu", "relu6", "sigmoid", "elu"] as const;
    await expectRight(
      activations.flatMap((activation): Check[] => [
        {
          name: `fused conv2d ${activation}`,
          shapes: [[2, 6, 7, 3], [3, 3, 3, 9], [9]],
          run: (x, filter, bias) =>
            tf.fused.conv2d({
              x: x as tf.Tensor4D,
              filter: filter as tf.Tensor4D,
              bias: bias!,
              strides: 1,
              pad: "same",
              activation,
            }),
        },
        {
          name: `fused matMul ${activation}`,
          shapes: [[7, 9], [9, 5], [5]],
          run: (a, b, bias) => tf.fused.matMul({ a: a!, b: b!, bias: bias!, activation }),
        },
        {
          name: `fused matMul without bias ${activation}`,
          shapes: [
            [7, 9],
            [5, 9],
          ],
          run: (a, b) => tf.fused.matMul({ a: a!, b: b!, transposeB: true, activation }),
        },
      ]),
    );
  });

  test("matrix products: every transpose, batched", async () => {
    await expectRight(
      many(40, "matMul", (rng) => {
        const [rows, cols, depth] = [between(rng, 1, 24), between(rng, 1, 24), between(rng, 1, 40)];
        const batch = pick(rng, [[], [between(rng, 1, 3)], [2, between(rng, 1, 3)]]);
        return [0, 1, 2, 3].map((transposes): Check => {
          const [aT, bT] = [(transposes & 1) !== 0, (transposes & 2) !== 0];
          return {
            name: `matMul ${[...batch, rows, cols, depth, aT, bT]}`,
            shapes: [
              [...batch, ...(aT ? [depth, rows] : [rows, depth])],
              [...batch, ...(bT ? [cols, depth] : [depth, cols])],
            ],
            run: (a, b) => tf.matMul(a!, b!, aT, bT),
          };
        });
      }),
    );
    // tfjs has no gradient for broadcast batches, and its cpu backend is wrong when both sides broadcast
    const broadcast = (a: number[], b: number[], batch: number[]): Check => ({
      name: `matMul ${a} by ${b}`,
      shapes: [a, b],
      run: (x, y) => {
        if (tf.getBackend() === "wasm") return tf.matMul(x!, y!);
        const whole = (t: tf.Tensor) => tf.broadcastTo(t, [...batch, ...t.shape.slice(-2)]);
        return tf.matMul(whole(x!), whole(y!));
      },
      hasGradient: false,
    });
    await expectRight([
      broadcast([2, 3, 4, 5], [3, 5, 6], [2, 3]),
      broadcast([4, 5], [2, 3, 5, 6], [2, 3]),
      broadcast([2, 1, 4, 5], [1, 3, 5, 6], [2, 3]),
      broadcast([3, 1, 2, 4, 5], [2, 1, 5, 6], [3, 2, 2]),
    ]);
  });

  test("pooling: any window, stride and padding", async () => {
    await expectRight(
      many(50, "pool", (rng) => {
        const window: [number, number] = [between(rng, 1, 4), between(rng, 1, 4)];
        const strides: [number, number] = [between(rng, 1, 4), between(rng, 1, 4)];
        const pad = pick(rng, ["same", "valid"] as const);
        const shape = [between(rng, 1, 3), between(rng, 4, 11), between(rng, 4, 11), between(rng, 1, 9)];
        const name = `${shape} window ${window} strides ${strides} ${pad}`;
        return [
          {
            name: `maxPool ${name}`,
            shapes: [shape],
            run: (x) => tf.maxPool(x as tf.Tensor4D, window, strides, pad),
          },
          {
            name: `avgPool ${name}`,
            shapes: [shape],
            run: (x) => tf.avgPool(x as tf.Tensor4D, window, strides, pad),
          },
        ];
      }),
    );
  });

  test("sums and means over any axes", async () => {
    await expectRight(
      many(40, "reduce", (rng) => {
        const shape = Array.from({ length: between(rng, 1, 4) }, () => between(rng, 1, 9));
        const axes = [...shape.keys()].filter(() => rng.below(2) === 0);
        const keepDims = rng.below(2) === 0;
        const name = `${shape} over ${axes} ${keepDims}`;
        return [
          { name: `sum ${name}`, shapes: [shape], run: (x) => tf.sum(x!, axes, keepDims) },
          { name: `mean ${name}`, shapes: [shape], run: (x) => tf.mean(x!, axes, keepDims) },
        ];
      }),
    );
  });

  test("softmax, relu and added biases", async () => {
    await expectRight(
      many(30, "activation", (rng) => {
        const shape = Array.from({ length: between(rng, 1, 4) }, () => between(rng, 1, 9));
        return [
          { name: `softmax ${shape}`, shapes: [shape], run: (x) => tf.softmax(tf.mul(x!, 5)) },
          { name: `relu ${shape}`, shapes: [shape], run: (x) => tf.relu(x!) },
          { name: `bias ${shape}`, shapes: [shape, shape.slice(-1)], run: (x, bias) => tf.add(x!, bias!) },
          {
            name: `bias first ${shape}`,
            shapes: [shape.slice(-1), shape],
            run: (bias, x) => tf.add(bias!, x!),
          },
          { name: `add ${shape}`, shapes: [shape, shape], run: (x, y) => tf.add(x!, y!) },
        ];
      }),
    );
  });

  test("and these checks have run every kernel of ours", () => {
    expect([...called].sort()).toEqual(Object.keys(replacements).sort());
  });
});
