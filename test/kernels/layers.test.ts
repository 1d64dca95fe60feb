import { afterAll, expect, test } from "vitest";
import { derive, type Rng } from "../../src/model/rng.ts";
import { type Arena, openArena } from "./arena.ts";

// Whole layers against their definitions in float64, and their gradients against central differences of those.

const BOUND = 1e-5;
let numChecks = 0;
let worst = 0;

afterAll(() => {
  console.log(`${numChecks} checks against float64, worst relative error ${worst.toExponential(1)}`);
});

type Vector = ArrayLike<number>;
type Layer = (...inputs: Float64Array[]) => Float64Array;

/** Relative to the largest value, at least 1. */
function expectClose(got: Vector, expected: Vector): void {
  expect(got.length).toBe(expected.length);
  const scale = Math.max(1, ...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(got[i]! - expected[i]!) / scale;
    expect(error).toBeLessThan(BOUND);
    worst = Math.max(worst, error);
  }
  numChecks++;
}

/** The gradients of Σ layer(inputs) * dy with respect to each input. */
function differences(layer: Layer, inputs: readonly Float32Array[], dy: Vector): number[][] {
  const step = 1e-5;
  return inputs.map((input, which) =>
    Array.from(input, (_, i) => {
      const at = (change: number): number => {
        const moved = inputs.map((values) => Float64Array.from(values));
        moved[which]![i]! += change;
        return layer(...moved).reduce((sum, v, k) => sum + v * dy[k]!, 0);
      };
      return (at(step) - at(-step)) / (2 * step);
    }),
  );
}

const draw = (rng: Rng, count: number, scale = 1): Float32Array =>
  Float32Array.from({ length: count }, () => scale * (2 * rng.uniform() - 1));
const between = (rng: Rng, low: number, high: number): number => low + rng.below(high - low + 1);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

function times(count: number, label: string, check: (rng: Rng, arena: Arena) => void): void {
  for (let i = 0; i < count; i++) {
    const arena = openArena();
    check(derive(3, label, i), arena);
    expect(arena.isIntact()).toBe(true);
  }
}

/** What one step makes of its inputs: pre-activations come from `sums(gate, unit, state)`. */
type Step = (
  sums: (gate: number, unit: number, state: Float64Array) => number,
  h: Float64Array,
  c: Float64Array,
) => { readonly h: Float64Array; readonly c: Float64Array };

const lstmStep: Step = (sums, h, c) => {
  const next = c.map(
    (v, u) => sigmoid(sums(1, u, h)) * v + sigmoid(sums(0, u, h)) * Math.tanh(sums(2, u, h)),
  );
  return { c: next, h: next.map((v, u) => sigmoid(sums(3, u, h)) * Math.tanh(v)) };
};

const gruStep: Step = (sums, h, c) => {
  const reset = h.map((v, u) => v * sigmoid(sums(1, u, h)));
  const next = h.map((v, u) => {
    const z = sigmoid(sums(0, u, h));
    return z * v + (1 - z) * Math.tanh(sums(2, u, reset));
  });
  return { h: next, c };
};

test.each([
  ["lstm", 4, lstmStep],
  ["gru", 3, gruStep],
] as const)("%s: states and the gradients of all inputs", (cell, numGates, step) => {
  times(12, cell, (rng, { kernels, floats, room, read, scratch, bytes }) => {
    const [batch, steps] = [between(rng, 1, 3), between(rng, 1, 4)];
    const [numInputs, units] = [between(rng, 1, 4), between(rng, 1, 7)];
    const width = numGates * units;
    const layer: Layer = (x, kernel, recurrent, bias) => {
      const out = new Float64Array(batch * steps * units);
      for (let n = 0; n < batch; n++) {
        let state = { h: new Float64Array(units), c: new Float64Array(units) };
        for (let t = 0; t < steps; t++) {
          const sums = (gate: number, unit: number, h: Float64Array): number => {
            const col = gate * units + unit;
            let sum = bias![col]!;
            for (let i = 0; i < numInputs; i++)
              sum += x![(n * steps + t) * numInputs + i]! * kernel![i * width + col]!;
            h.forEach((v, i) => {
              sum += v * recurrent![i * width + col]!;
            });
            return sum;
          };
          state = step(sums, state.h, state.c) as typeof state;
          out.set(state.h, (n * steps + t) * units);
        }
      }
      return out;
    };
    const inputs = [batch * steps * numInputs, numInputs * width, units * width, width].map((count) =>
      draw(rng, count),
    );
    const count = batch * steps * units;
    const dy = draw(rng, count);
    const [x, kernel, recurrent, bias] = inputs.map(floats) as [number, number, number, number];
    const [gates, h, third] = [room(batch * steps * width), room(count), room(count)];
    const sizes = [batch, steps, numInputs, units] as const;
    const work = bytes(new Uint8Array(kernels[`${cell}Bytes`](units)));
    kernels[`${cell}Forward`](...sizes, x, kernel, recurrent, bias, gates, h, third, work, scratch);
    expectClose(read(h, count), layer(...inputs.map((v) => Float64Array.from(v))));
    const [dx, dKernel, dRecurrent, dBias] = inputs.map(({ length }) => room(length)) as [
      number,
      number,
      number,
      number,
    ];
    const more = bytes(new Uint8Array(kernels[`${cell}GradientBytes`](batch, steps, units)));
    kernels[`${cell}Gradient`](
      ...sizes,
      ...([x, kernel, recurrent, gates, h, third, floats(dy)] as const),
      ...([dx, dKernel, dRecurrent, dBias] as const),
      more,
      scratch,
    );
    const expected = differences(layer, inputs, dy);
    [dx, dKernel, dRecurrent, dBias].forEach((at, i) => {
      expectClose(read(at, expected[i]!.length), expected[i]!);
    });
  });
});

test("layer norm: rows of any length", () => {
  times(12, "norm", (rng, { kernels, floats, room, read }) => {
    const [rows, cols] = [between(rng, 1, 4), between(rng, 2, 9)];
    const epsilon = 1e-3;
    const layer: Layer = (x, gain, bias) =>
      x!.map((v, i) => {
        const row = x!.subarray(i - (i % cols), i - (i % cols) + cols);
        const mean = row.reduce((a, b) => a + b) / cols;
        const variance = row.reduce((sum, q) => sum + (q - mean) ** 2, 0) / cols;
        return (gain![i % cols]! * (v - mean)) / Math.sqrt(variance + epsilon) + bias![i % cols]!;
      });
    const inputs = [rows * cols, cols, cols].map((count) => draw(rng, count));
    const dy = draw(rng, rows * cols);
    const [x, gain, bias] = inputs.map(floats) as [number, number, number];
    const [y, moments] = [room(rows * cols), room(2 * rows)];
    kernels.layerNorm(x, gain, bias, rows, cols, epsilon, y, moments);
    expectClose(read(y, rows * cols), layer(...inputs.map((v) => Float64Array.from(v))));
    const [dx, dGain, dBias] = inputs.map(({ length }) => room(length)) as [number, number, number];
    kernels.layerNormGradient(x, gain, moments, floats(dy), rows, cols, dx, dGain, dBias);
    const expected = differences(layer, inputs, dy);
    [dx, dGain, dBias].forEach((at, i) => {
      expectClose(read(at, expected[i]!.length), expected[i]!);
    });
  });
});

/** By its series, which converges everywhere. */
function erf(x: number): number {
  let [sum, term] = [x, x];
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 * sum) / Math.sqrt(Math.PI);
}

test("gelu and its slope", () => {
  const layer: Layer = (x) => x!.map((v) => (v / 2) * (1 + erf(v * Math.SQRT1_2)));
  times(12, "gelu", (rng, { kernels, floats, room, read }) => {
    const count = between(rng, 1, 13);
    const x = draw(rng, count, 4);
    const [y, slope] = [room(count), room(count)];
    kernels.gelu(floats(x), count, y, slope);
    expectClose(read(y, count), layer(Float64Array.from(x)));
    expectClose(read(slope, count), differences(layer, [x], new Array<number>(count).fill(1))[0]!);
  });
  const { kernels, floats, room, read } = openArena();
  const [y, slope] = [room(3), room(3)];
  kernels.gelu(floats([0, 40, -40]), 3, y, slope);
  expectClose(read(y, 3), [0, 40, 0]);
  expectClose(read(slope, 3), [0.5, 1, 0]);
});

test("attention: every head by itself", () => {
  times(12, "attention", (rng, { kernels, floats, room, read, scratch }) => {
    const [batch, steps] = [between(rng, 1, 2), between(rng, 1, 5)];
    const [heads, depth] = [between(rng, 1, 3), between(rng, 1, 5)];
    const width = heads * depth;
    const layer: Layer = (qkv) => {
      const out = new Float64Array(batch * steps * width);
      const at = (n: number, t: number, part: number, h: number, d: number): number =>
        qkv![(n * steps + t) * 3 * width + part * width + h * depth + d]!;
      for (let n = 0; n < batch; n++)
        for (let h = 0; h < heads; h++)
          for (let t = 0; t < steps; t++) {
            const weights = Array.from({ length: steps }, (_, s) => {
              let dot = 0;
              for (let d = 0; d < depth; d++) dot += at(n, t, 0, h, d) * at(n, s, 1, h, d);
              return Math.exp(dot / Math.sqrt(depth));
            });
            const total = weights.reduce((a, b) => a + b);
            weights.forEach((weight, s) => {
              for (let d = 0; d < depth; d++)
                out[(n * steps + t) * width + h * depth + d]! += (weight / total) * at(n, s, 2, h, d);
            });
          }
      return out;
    };
    const qkv = draw(rng, batch * steps * 3 * width, 2);
    const dy = draw(rng, batch * steps * width);
    const from = floats(qkv);
    const [y, shares] = [room(dy.length), room(batch * heads * steps * steps)];
    kernels.attention(from, batch, steps, heads, depth, y, shares, scratch);
    expectClose(read(y, dy.length), layer(Float64Array.from(qkv)));
    const [dQkv, slopes] = [room(qkv.length), room(steps * steps)];
    kernels.attentionGradient(from, shares, floats(dy), batch, steps, heads, depth, dQkv, slopes, scratch);
    expectClose(read(dQkv, qkv.length), differences(layer, [qkv], dy)[0]!);
  });
});

test("depthwise convolution: any stride, padding and multiplier", () => {
  times(12, "depthwise", (rng, { kernels, floats, ints, room, read }) => {
    const [channels, multiplier] = [between(rng, 1, 6), between(rng, 1, 2)];
    const [height, width] = [between(rng, 3, 6), between(rng, 3, 6)];
    const [kh, kw, stride] = [between(rng, 1, 3), between(rng, 1, 3), between(rng, 1, 2)];
    const [top, left] = [between(rng, 0, kh - 1), between(rng, 0, kw - 1)];
    const outHeight = Math.floor((height + top - kh) / stride) + 1;
    const outWidth = Math.floor((width + left - kw) / stride) + 1;
    const outputs = channels * multiplier;
    const count = 2 * outHeight * outWidth * outputs;
    const layer: Layer = (x, filter) => {
      const out = new Float64Array(count);
      for (let i = 0; i < count; i++) {
        const o = i % outputs;
        const col = Math.floor(i / outputs) % outWidth;
        const row = Math.floor(i / outputs / outWidth) % outHeight;
        const n = Math.floor(i / outputs / outWidth / outHeight);
        for (let a = 0; a < kh; a++)
          for (let b = 0; b < kw; b++) {
            const [r, c] = [row * stride + a - top, col * stride + b - left];
            if (r < 0 || c < 0 || r >= height || c >= width) continue;
            const pixel = x![((n * height + r) * width + c) * channels + Math.floor(o / multiplier)]!;
            out[i]! += pixel * filter![(a * kw + b) * outputs + o]!;
          }
      }
      return out;
    };
    const inputs = [2 * height * width * channels, kh * kw * outputs].map((length) => draw(rng, length));
    const dy = draw(rng, count);
    const [x, filter] = inputs.map(floats) as [number, number];
    const image = [2, height, width, channels, outHeight, outWidth, outputs];
    const geometry = ints([...image, kh, kw, stride, stride, 1, 1, top, left]);
    const y = room(count);
    kernels.depthwiseForward(geometry, x, filter, y);
    expectClose(read(y, count), layer(...inputs.map((v) => Float64Array.from(v))));
    const [dx, dFilter] = inputs.map(({ length }) => room(length)) as [number, number];
    kernels.depthwiseInputGradient(geometry, floats(dy), filter, dx);
    kernels.depthwiseFilterGradient(geometry, x, floats(dy), dFilter);
    const expected = differences(layer, inputs, dy);
    expectClose(read(dx, inputs[0]!.length), expected[0]!);
    expectClose(read(dFilter, inputs[1]!.length), expected[1]!);
  });
});

test("copies between layouts are exact, repeats and diagonals among them", () => {
  times(40, "copy", (rng, { kernels, floats, ints, room, read }) => {
    const shape = Array.from({ length: between(rng, 0, 5) }, () => between(rng, 1, 6));
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    const order = [...shape.keys()].sort(() => rng.uniform() - 0.5);
    const lengths = order.map((axis) => shape[axis]!);
    const steps = order.map((axis) => (rng.below(5) === 0 ? 0 : strides[axis]!));
    const count = shape.reduce((a, b) => a * b, 1);
    const x = draw(rng, count);
    const y = room(count);
    kernels.copyStrided(floats(x), shape.length, ints([...lengths, ...steps]), y);
    const expected = Array.from({ length: count }, (_, i) => {
      let [rest, offset] = [i, 0];
      for (let axis = lengths.length - 1; axis >= 0; axis--) {
        offset += (rest % lengths[axis]!) * steps[axis]!;
        rest = Math.floor(rest / lengths[axis]!);
      }
      return x[offset]!;
    });
    expect([...read(y, count)]).toEqual(expected);
  });
});

test("rows by number, and sums of rows by number, by hand", () => {
  const { kernels, floats, ints, room, read, isIntact } = openArena();
  const x = floats([1, 2, 3, 4, 5, 6]);
  const rows = room(8);
  kernels.gatherRows(x, ints([2, 0, 2, 1]), 1, 3, 4, 2, rows);
  expect([...read(rows, 8)]).toEqual([5, 6, 1, 2, 5, 6, 3, 4]);
  const sums = room(6);
  // the last row's segment is not there, and left out
  kernels.segmentSum(x, ints([1, 1, 3]), 3, 2, 3, sums);
  expect([...read(sums, 6)]).toEqual([0, 0, 4, 6, 0, 0]);
  expect(isIntact()).toBe(true);
});
