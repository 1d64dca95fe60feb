import fc from "fast-check";
import { expect, test } from "vitest";
import { type Geometry, geometryWords } from "../../src/kernels/kernels.ts";
import { derive } from "../../src/model/rng.ts";
import { openArena } from "./arena.ts";

const small = (max: number, min = 1) => fc.integer({ min, max });

/** Any stride, dilation and padding, as long as one window touches the image. */
const geometries: fc.Arbitrary<Geometry> = fc
  .record({
    batch: small(3),
    inHeight: small(9),
    inWidth: small(9),
    inChannels: fc.constantFrom(1, 1, 2, 3, 4, 5, 8),
    outChannels: small(9),
    filterHeight: small(4),
    filterWidth: small(4),
    strideHeight: small(3),
    strideWidth: small(3),
    dilationHeight: small(2),
    dilationWidth: small(2),
    padTop: small(3, 0),
    padLeft: small(3, 0),
    padBottom: small(3, 0),
    padRight: small(3, 0),
  })
  .map(({ padBottom, padRight, ...g }) => {
    const extent = (size: number, pads: number, filter: number, dilation: number, stride: number) =>
      Math.floor((size + pads - (filter - 1) * dilation - 1) / stride) + 1;
    const { inHeight, inWidth, filterHeight, filterWidth } = g;
    return {
      ...g,
      outHeight: extent(inHeight, g.padTop + padBottom, filterHeight, g.dilationHeight, g.strideHeight),
      outWidth: extent(inWidth, g.padLeft + padRight, filterWidth, g.dilationWidth, g.strideWidth),
    };
  })
  .filter(({ outHeight, outWidth }) => outHeight > 0 && outWidth > 0);

function random(count: number, label: string): Float32Array {
  const rng = derive(7, label, count);
  return Float32Array.from({ length: count }, () => 2 * rng.uniform() - 1);
}

/** Calls f for every (output pixel, input pixel, filter pixel) that meet. */
function visit(g: Geometry, f: (output: number, input: number, filter: number) => void): void {
  for (let n = 0; n < g.batch; n++)
    for (let i = 0; i < g.outHeight; i++)
      for (let j = 0; j < g.outWidth; j++)
        for (let a = 0; a < g.filterHeight; a++)
          for (let b = 0; b < g.filterWidth; b++) {
            const y = i * g.strideHeight + a * g.dilationHeight - g.padTop;
            const x = j * g.strideWidth + b * g.dilationWidth - g.padLeft;
            if (y < 0 || y >= g.inHeight || x < 0 || x >= g.inWidth) continue;
            f(
              (n * g.outHeight + i) * g.outWidth + j,
              (n * g.inHeight + y) * g.inWidth + x,
              a * g.filterWidth + b,
            );
          }
}

const worst = (got: Float32Array, expected: Float64Array): number =>
  got.reduce((max, v, i) => Math.max(max, Math.abs(v - expected[i]!) || (Number.isNaN(v) ? 1 : 0)), 0);

test("convolution and both gradients match their definition, within their own memory", () => {
  fc.assert(
    fc.property(geometries, (g) => {
      const { kernels, scratch, floats, ints, room, read, isIntact } = openArena();
      const [C, F] = [g.inChannels, g.outChannels];
      const x = random(g.batch * g.inHeight * g.inWidth * C, "x");
      const w = random(g.filterHeight * g.filterWidth * C * F, "w");
      const dy = random(g.batch * g.outHeight * g.outWidth * F, "dy");
      const expected = [dy, w, x].map((array) => new Float64Array(array.length)) as [
        Float64Array,
        Float64Array,
        Float64Array,
      ];
      visit(g, (output, input, filter) => {
        for (let c = 0; c < C; c++)
          for (let f = 0; f < F; f++) {
            const [o, i, k] = [output * F + f, input * C + c, (filter * C + c) * F + f];
            expected[0][o]! += x[i]! * w[k]!;
            expected[1][k]! += x[i]! * dy[o]!;
            expected[2][i]! += w[k]! * dy[o]!;
          }
      });
      const at = ints(geometryWords(g));
      const windows = room(kernels.convWindowBytes(at) / 4);
      const [xAt, wAt, dyAt] = [floats(x), floats(w), floats(dy)];
      const [y, dw, dx] = [room(dy.length), room(w.length), room(x.length)];
      kernels.convForward(at, xAt, wAt, y, windows, scratch);
      kernels.convFilterGradient(at, xAt, dyAt, dw, windows, scratch);
      kernels.convInputGradient(at, dyAt, wAt, dx, windows, scratch);
      expect(worst(read(y, dy.length), expected[0])).toBeLessThan(1e-4);
      expect(worst(read(dw, w.length), expected[1])).toBeLessThan(1e-4);
      expect(worst(read(dx, x.length), expected[2])).toBeLessThan(1e-4);
      expect(isIntact()).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test("a batch of many chunks is the images one by one, to the bit", () => {
  const one = { inHeight: 28, inWidth: 28, inChannels: 3, outHeight: 26, outWidth: 26, outChannels: 5 };
  const rest = { filterHeight: 3, filterWidth: 3, strideHeight: 1, strideWidth: 1 };
  const g = { batch: 9, ...one, ...rest, dilationHeight: 1, dilationWidth: 1, padTop: 0, padLeft: 0 };
  const { kernels, scratch, floats, ints, room, read } = openArena();
  const [inSize, outSize] = [28 * 28 * 3, 26 * 26 * 5];
  const x = floats(random(9 * inSize, "x"));
  const w = floats(random(27 * 5, "w"));
  const [whole, parts] = [room(9 * outSize), room(9 * outSize)];
  const [many, single] = [ints(geometryWords(g)), ints(geometryWords({ ...g, batch: 1 }))];
  const windows = room(kernels.convWindowBytes(many) / 4);
  kernels.convForward(many, x, w, whole, windows, scratch);
  for (let n = 0; n < 9; n++)
    kernels.convForward(single, x + 4 * n * inSize, w, parts + 4 * n * outSize, windows, scratch);
  expect(read(whole, 9 * outSize)).toEqual(read(parts, 9 * outSize));
});

test("pooling gradients match their definition, within their own memory", () => {
  fc.assert(
    fc.property(geometries, (geometry) => {
      const g = { ...geometry, outChannels: geometry.inChannels };
      const { kernels, floats, ints, room, read, isIntact } = openArena();
      const C = g.inChannels;
      const x = random(g.batch * g.inHeight * g.inWidth * C, "x").map((v) => v - 0.5);
      const dy = random(g.batch * g.outHeight * g.outWidth * C, "dy");
      const winners = new Map<number, number>();
      const average = new Float64Array(x.length);
      visit(g, (output, input) => {
        for (let c = 0; c < C; c++) {
          const [o, i] = [output * C + c, input * C + c];
          average[i]! += dy[o]! / (g.filterHeight * g.filterWidth);
          const winner = winners.get(o);
          if (winner === undefined || x[i]! > x[winner]!) winners.set(o, i);
        }
      });
      const maximum = new Float64Array(x.length);
      for (const [o, i] of winners) maximum[i]! += dy[o]!;
      const at = ints(geometryWords(g));
      const [xAt, dyAt, dMax, dAverage] = [floats(x), floats(dy), room(x.length), room(x.length)];
      kernels.maxPoolGradient(at, xAt, dyAt, dMax);
      kernels.avgPoolGradient(at, dyAt, dAverage);
      expect(worst(read(dMax, x.length), maximum)).toBeLessThan(1e-5);
      expect(worst(read(dAverage, x.length), average)).toBeLessThan(1e-5);
      expect(isIntact()).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test("of equal maxima the first in the window gets the gradient, alone", () => {
  const { kernels, floats, ints, room, read } = openArena();
  const sizes = {
    batch: 1,
    inHeight: 2,
    inWidth: 2,
    outHeight: 1,
    outWidth: 1,
    filterHeight: 2,
    filterWidth: 2,
  };
  const steps = {
    strideHeight: 2,
    strideWidth: 2,
    dilationHeight: 1,
    dilationWidth: 1,
    padTop: 0,
    padLeft: 0,
  };
  for (const channels of [1, 4]) {
    const at = ints(geometryWords({ ...sizes, ...steps, inChannels: channels, outChannels: channels }));
    const x = [-3, -1, -1, -1].flatMap((v) => new Array<number>(channels).fill(v));
    const dx = room(4 * channels);
    kernels.maxPoolGradient(at, floats(x), floats(new Array<number>(channels).fill(2)), dx);
    const expected = [0, 2, 0, 0].flatMap((v) => new Array<number>(channels).fill(v));
    expect([...read(dx, 4 * channels)]).toEqual(expected);
  }
});
