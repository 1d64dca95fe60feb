import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers"; // tells tfjs the gradients of its operations
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { derive, permutation } from "../../src/model/rng.ts";
import { openEngine } from "../../src/trainer/engine.ts";
import { attention } from "../../src/trainer/ops/attention.ts";
import { gelu } from "../../src/trainer/ops/gelu.ts";
import { layerNorm } from "../../src/trainer/ops/layer-norm.ts";
import { gru, lstm } from "../../src/trainer/ops/recurrent.ts";
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
  await tf.setBackend("wasm");
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

/** What an equation says, in products and sums alone: tfjs' cpu backend fails at many, and has no gradient of any. */
function bySums(equation: string, operands: readonly tf.Tensor[]): tf.Tensor {
  const [left, out] = equation.split("->") as [string, string];
  const all = [...new Set(left.replaceAll(",", ""))].sort();
  const spread = operands.map((operand, i) => {
    const own = [...left.split(",")[i]!];
    const sorted = tf.transpose(
      operand,
      [...own.keys()].sort((a, b) => (own[a]! < own[b]! ? -1 : 1)),
    );
    const lengths = new Map(own.map((label, axis) => [label, operand.shape[axis]!]));
    return tf.reshape(
      sorted,
      all.map((label) => lengths.get(label) ?? 1),
    );
  });
  const product = spread.reduce((a, b) => tf.mul(a, b));
  const summed = [...all.keys()].filter((axis) => !out.includes(all[axis]!));
  const kept = all.filter((label) => out.includes(label));
  const sum = summed.length === 0 ? product : tf.sum(product, summed);
  return out === ""
    ? sum
    : tf.transpose(
        sum,
        [...out].map((label) => kept.indexOf(label)),
      );
}

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

  test("depthwise convolution: any shape, stride, padding and multiplier", async () => {
    await expectRight(
      many(40, "depthwise", (rng) => {
        const [kh, kw] = [between(rng, 1, 4), between(rng, 1, 4)];
        const [height, width, channels] = [between(rng, 4, 9), between(rng, 4, 9), between(rng, 1, 9)];
        const multiplier = pick(rng, [1, 1, 2, 3]);
        // tfjs takes unequal strides for depthwise kernels; 'same' with a stride above the kernel is its bug
        const strides: [number, number] = [between(rng, 1, 3), between(rng, 1, 3)];
        const pad = pick(rng, ["same", "valid"] as const);
        return {
          name: `depthwise ${[height, width, channels, kh, kw, multiplier, ...strides]} ${pad}`,
          shapes: [
            [between(rng, 1, 3), height, width, channels],
            [kh, kw, channels, multiplier],
          ],
          run: (x, filter) => tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad),
        };
      }),
    );
    await expectRight(
      (["linear", "relu", "sigmoid"] as const).map((activation) => ({
        name: `fused depthwise ${activation}`,
        shapes: [[2, 6, 7, 5], [3, 3, 5, 1], [5]],
        run: (x, filter, bias) =>
          tf.fused.depthwiseConv2d({
            x: x as tf.Tensor4D,
            filter: filter as tf.Tensor4D,
            bias: bias!,
            strides: 1,
            pad: "same",
            activation,
          }),
      })),
    );
  });

  test("transposes and tiles of any axes, of floats and integers", async () => {
    const integers = (x: tf.Tensor) => tf.cast(tf.mul(x, 100), "int32");
    await expectRight(
      many(30, "layout", (rng) => {
        const shape = Array.from({ length: between(rng, 1, 4) }, () => between(rng, 1, 6));
        const perm = [...permutation(shape.length, rng)];
        const reps = shape.map(() => between(rng, 1, 3));
        const bothTypes = (name: string, run: (x: tf.Tensor) => tf.Tensor): Check[] => [
          { name, shapes: [shape], run: (x) => run(x!) },
          { name: `${name} int32`, shapes: [shape], run: (x) => run(integers(x!)), hasGradient: false },
        ];
        return [
          ...bothTypes(`transpose ${shape} by ${perm}`, (x) => tf.transpose(x, perm)),
          ...bothTypes(`tile ${shape} by ${reps}`, (x) => tf.tile(x, reps)),
        ];
      }),
    );
  });

  test("rows by number, along any axis; the gradient adds up repeats", async () => {
    await expectRight(
      many(24, "gather", (rng) => {
        const shape = Array.from({ length: between(rng, 1, 4) }, () => between(rng, 1, 7));
        const axis = pick(rng, [0, 0, shape.length - 1]);
        const count = between(rng, 1, 12);
        const indices = Array.from({ length: count }, () => rng.below(shape[axis]!));
        return {
          name: `gather ${shape} axis ${axis} ${indices}`,
          shapes: [shape],
          run: (x) => tf.gather(x!, tf.tensor1d(indices, "int32"), axis),
        };
      }),
    );
  });

  test("a row that is not there is refused, not read", async () => {
    await tf.setBackend("wasm");
    for (const index of [-1, 3])
      expect(() => tf.gather(tf.ones([3, 2]), tf.tensor1d([0, index], "int32"))).toThrow(
        `index ${index} is not in 0..2`,
      );
  });

  test("einsum refuses what it cannot do, and says so", async () => {
    await tf.setBackend("wasm");
    const nine = tf.ones([1, 1, 1, 1, 1, 1]);
    expect(() => tf.einsum("abcdef,defghi->ai", nine, nine)).toThrow("has 9 labels, at most 8 are possible");
    expect(() => tf.einsum("ab,bc->ac", tf.ones([2, 3]), tf.ones([4, 2]))).toThrow("b is 3 and 4 long");
  });

  test("einsum: products, batches, sums, outer products, three operands", async () => {
    const lengths: Readonly<Record<string, number>> = { a: 2, b: 3, c: 4, d: 5, e: 2 };
    const equations = [
      "ab->ba",
      "abc->b",
      "ab,bc->ac",
      "ab,cb->ac",
      "ba,bc->ca",
      "abc,acd->abd",
      "abc,abd->dc",
    ];
    equations.push(
      "abd,ced->abce",
      "a,b->ab",
      "ab,ab->",
      "ab,ab->ab",
      "abc,c->ab",
      "ab,cd->ac",
      "abcd,bd->ca",
    );
    equations.push("ab,bc,cd->ad", "abc,b,cd->da");
    await expectRight(
      equations.map((equation) => ({
        name: `einsum ${equation}`,
        shapes: equation
          .split("->")[0]!
          .split(",")
          .map((labels) => [...labels].map((label) => lengths[label]!)),
        run: (...operands) =>
          tf.getBackend() === "wasm" ? tf.einsum(equation, ...operands) : bySums(equation, operands),
      })),
    );
  });

  test("whole layers in one kernel against their composed twins", async () => {
    await expectRight(
      many(20, "layers", (rng) => {
        const [batch, steps] = [between(rng, 1, 4), between(rng, 1, 7)];
        const [inputs, units] = [between(rng, 1, 9), between(rng, 1, 13)];
        const cell = (name: string, op: typeof lstm, gates: number): Check => ({
          name: `${name} ${[batch, steps, inputs, units]}`,
          shapes: [[batch, steps, inputs], [inputs, gates * units], [units, gates * units], [gates * units]],
          run: (x, kernel, recurrent, bias) =>
            op(x!, { kernel: kernel!, recurrent: recurrent!, bias: bias! }),
        });
        const heads = between(rng, 1, 3);
        const row = [...(rng.below(2) === 0 ? [steps] : []), batch, inputs + 1];
        return [
          cell("lstm", lstm, 4),
          cell("gru", gru, 3),
          {
            name: `attention ${[batch, steps, heads, inputs]}`,
            shapes: [[batch, steps, 3 * heads * inputs]],
            run: (qkv) => attention(tf.mul(qkv!, 2), heads),
          },
          {
            name: `layerNorm ${row}`,
            shapes: [row, row.slice(-1), row.slice(-1)],
            run: (x, gain, bias) => layerNorm(x!, gain!, bias!),
          },
          { name: `gelu ${row}`, shapes: [row], run: (x) => gelu(tf.mul(x!, 4)) },
        ];
      }),
    );
    // wide enough for several blocks of the matrix product
    await expectRight([
      {
        name: "lstm wide",
        shapes: [[3, 2, 5], [5, 600], [150, 600], [600]],
        run: (x, kernel, recurrent, bias) =>
          lstm(tf.mul(x!, 0.1), { kernel: kernel!, recurrent: tf.mul(recurrent!, 0.1), bias: bias! }),
      },
      {
        name: "gru wide",
        shapes: [[3, 2, 5], [5, 900], [300, 900], [900]],
        run: (x, kernel, recurrent, bias) =>
          gru(tf.mul(x!, 0.1), { kernel: kernel!, recurrent: tf.mul(recurrent!, 0.1), bias: bias! }),
      },
    ]);
  });

  test("and these checks have run every kernel of ours", () => {
    expect([...called].sort()).toEqual(Object.keys(replacements).sort());
  });
});
