import { describe, expect, it, test } from "vitest";
import { benchCodecs } from "../../../src/cli/bench/codecs.ts";
import { measureKernels } from "../../../src/cli/bench/kernels.ts";
import { measureCodec, orderZeroBits } from "../../../src/cli/bench/measure.ts";
import { derive, gaussian } from "../../../src/model/rng.ts";

const rng = derive(2, "bench test");
const vector = Float32Array.from({ length: 20_000 }, () => gaussian(rng));
const input = { name: "drawn", vectors: [vector, vector.subarray(0, 777)] };

describe("every codec of the bench", () => {
  it.each(Object.entries(benchCodecs))("%s is measured", (name, subject) => {
    const row = measureCodec(name, subject, input, 1);
    expect(row).toMatchObject({ input: "drawn", codec: name, about: subject.about });
    for (const speed of [row.encodeMBps, row.decodeMBps, row.copyMBps]) expect(speed).toBeGreaterThan(0);
    expect(row.encodeCopies * row.encodeMBps).toBeCloseTo(row.copyMBps, 3);
    expect(row.bitsPerCoordinate).toBeCloseTo((8 * row.bytes) / 20_777, 9);
    expect(row.distortion).toBeGreaterThanOrEqual(0);
    const isFree = !["blocks", "random-k", "rows", "filters"].includes(name); // of their positions most is known
    if (row.overBound !== null && isFree) expect(row.overBound).toBeGreaterThan(0.999);
  });
});

test("lossless ones lose nothing, and golomb is named after its positions", () => {
  for (const name of ["float32", "gzip-float32", "brotli-float32"])
    expect(measureCodec(name, benchCodecs[name]!, input, 1).distortion).toBe(0);
  expect(benchCodecs.golomb!.encode(vector)[0]! >>> 4).toBe(1);
  // What is sent is the same, in whatever way.
  const [golomb, gzip] = ["golomb", "gzip-ternary"].map((name) =>
    measureCodec(name, benchCodecs[name]!, input, 1),
  );
  expect(gzip!.distortion).toBeCloseTo(golomb!.distortion, 9);
});

test("every kernel is measured, beside a copy of what it reads", () => {
  const rows = measureKernels(vector, 1);
  expect(rows.map(({ kernel }) => kernel)).toEqual(
    expect.arrayContaining([
      "select",
      "quantize",
      "dequantizeAdd",
      "ransEncode",
      "ransDecode",
      "rangeEncode",
    ]),
  );
  for (const row of rows) {
    expect(row.speed, row.kernel).toBeGreaterThan(0);
    expect(row.copies * row.MBps).toBeCloseTo(row.copyMBps, 3);
  }
});

describe("the order-0 bound", () => {
  const sparse = (length: number, support: readonly number[] | null, values: readonly number[]) =>
    orderZeroBits({
      length,
      support: support && Uint32Array.from(support),
      values: Float32Array.from(values),
    });

  it("is H(p) a coordinate and the entropy of the values, by hand", () => {
    // One of four: 4 * (1/4 * 2 + 3/4 * log2(4/3)); one symbol costs nothing.
    expect(sparse(4, [2], [0.5])).toBeCloseTo(2 + 3 * Math.log2(4 / 3), 12);
    // Half of eight, 8 bits; their signs 3 : 1.
    expect(sparse(8, [0, 2, 4, 6], [1, 1, -1, 1])).toBeCloseTo(8 + 2 + 3 * Math.log2(4 / 3), 12);
    // All there: only the values count.
    expect(sparse(4, null, [1, 0, 1, 0])).toBeCloseTo(4, 12);
    expect(sparse(100, [], [])).toBe(0);
  });

  it("says nothing of values that are nearly all different", () => {
    expect(orderZeroBits({ length: 1000, support: null, values: vector.subarray(0, 1000) })).toBeNull();
  });

  it("takes eden's codes for its symbols: 2 bits a value, of which a Gaussian's quarters need all but little", () => {
    const { encode, symbols } = benchCodecs.eden!;
    const codes = [...symbols!(encode(vector), vector.length)];
    expect(codes.length).toBe(16384 + 2048 + 1024 + 512 + 64); // 20,000 in powers of two, the last padded
    expect(new Set(codes)).toEqual(new Set([0, 1, 2, 3]));
    // Lloyd-Max of a Gaussian in four cells: 0.3365 and 0.1635 of it twice.
    const share = codes.filter((code) => code < 2).length / codes.length;
    expect(share).toBeCloseTo(2 * 0.3365, 1);
  });
});
