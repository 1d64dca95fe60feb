import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { codecKernels } from "../../src/kernels/codec.ts";
import { scalarCodecKernels as scalar } from "../../src/kernels/codec-scalar.ts";
import { simdCodecKernels } from "../../src/kernels/codec-simd.ts";
import { derive } from "../../src/model/rng.ts";
import { type Draw, digestsOf, fillings, kindsOfVectors } from "../suites/flat-vectors.ts";
import { both } from "./both.ts";

const simd = simdCodecKernels()!;

const codesOf = (length: number, below: number, draw: Draw): Uint8Array =>
  Uint8Array.from({ length }, () => draw() * below);

function compareSelection(vector: Float32Array): void {
  both((k) => k.allFinite(vector));
  both((k) => k.maxMagnitude(vector));
  both((k) => k.nonZero(vector));
  for (const count of new Set([1, Math.ceil(vector.length / 10), vector.length, vector.length + 3]))
    both((k) => k.largest(vector, count));
}

function compareValues(vector: Float32Array, draw: Draw): void {
  const scale = scalar.maxMagnitude(vector);
  both((k) => k.signs(vector, scale));
  for (const steps of [1, 3, 127]) {
    const table = Float32Array.from({ length: 2 * steps + 1 }, () => draw() - 0.5);
    if (scale > 0) both((k) => k.nearestLevels(vector, scale, steps, table));
    if (scale > 0) compareLevels(vector, scale, steps);
    const codes = codesOf(vector.length, table.length, draw);
    both((k) => k.lookUp(table, codes, new Float32Array(codes.length)));
  }
}

function compareLevels(vector: Float32Array, scale: number, steps: number): void {
  for (const most of [scale, Math.fround(Math.min(1.37 * scale, 2 ** 128 - 2 ** 104))])
    for (const many of [steps, 258 * steps]) {
      const { levels, largest } = both((k) => k.stochasticLevels(vector, derive(3, "draws"), most, many));
      expect(largest).toBe(levels.reduce((sum, level) => Math.max(sum, Math.abs(level)), 0));
      both((k) => k.levelSums(vector, levels));
      if (many === steps) both((k) => k.levelCodes(levels, steps));
    }
}

function comparePacking(length: number, draw: Draw): void {
  for (let width = 1; width <= 8; width++) {
    const codes = codesOf(length * 8, 2 ** width, draw);
    const packed = both((k) => k.pack(codes, width));
    expect(packed.length).toBe(length * width);
    expect(both((k) => k.unpack(packed, width))).toEqual(codes);
  }
}

const CENTROIDS = [[3268], [1855, 6187], [526, 1589, 2690, 3860, 5145, 6627, 8475, 11193]];

function compareRotation(vector: Float32Array, size: number, draw: Draw): void {
  const words = () => Uint32Array.from({ length: size / 32 }, () => draw() * 2 ** 32);
  const [first, second] = [words(), words()];
  const data = new Float64Array(size);
  data.set(vector.subarray(0, size));
  const rotated = both((k) => {
    const turned = data.slice();
    k.rotate(turned, first, second);
    return turned;
  });
  const norm = Math.sqrt(data.reduce((sum, v) => sum + v * v, 0) / size) || 1;
  for (const centroids of CENTROIDS) {
    const unit = 2 ** 12 / (norm * size);
    const { codes } = both((k) => k.nearestCentroids(rotated, { centroids, unit }));
    const table = Float64Array.from(centroids.flatMap((centroid) => [centroid, -centroid]));
    const sums = both((k) => {
      const into = new Float64Array(size).fill(Number.NaN);
      k.rotateBack(codes, table, first, second, into);
      return into;
    });
    for (const used of [1, size - 3, size])
      both((k) => {
        const values = new Float32Array(used).fill(Number.NaN);
        k.scaleSums(sums, norm / 2 ** 12, values);
        return values;
      });
  }
}

describe.each(kindsOfVectors)("on %s vectors", (kind) => {
  it("the kernels of selection and values agree with their twins at every length from 1 to 70", () => {
    const { draw, fill } = fillings(kind);
    for (let length = 1; length <= 70; length++) {
      const vector = fill(length);
      compareSelection(vector);
      compareValues(vector, draw);
    }
  });

  it.each([32765, 32768, 32769, 65536, 100_003])("and at a length of %i, in parts", (length) => {
    const { draw, fill } = fillings(kind);
    const vector = fill(length);
    compareSelection(vector);
    compareValues(vector, draw);
  });

  it("the kernels of rotation agree with their twins at every size", () => {
    const { draw, fill } = fillings(kind);
    for (let size = 64; size <= 65536; size *= 2) compareRotation(fill(size), size, draw);
  });
});

describe("the kernels", () => {
  it("agree with their twins on any vector, wherever it stands in its buffer", () => {
    const values = fc.array(fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constant(-0)), {
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(values, fc.nat(3), (numbers, offset) => {
        const vector = Float32Array.from([1, 2, 3, ...numbers]).subarray(offset);
        compareSelection(vector);
        compareValues(vector, () => 0.25);
      }),
    );
  });

  it("see every value that is not finite", () => {
    for (const length of [1, 7, 8, 70, 40_000])
      for (const at of [0, length >>> 1, length - 1])
        for (const bad of [Number.NaN, Infinity, -Infinity]) {
          const vector = new Float32Array(length);
          expect(both((k) => k.allFinite(vector))).toBe(true);
          vector[at] = bad;
          expect(both((k) => k.allFinite(vector))).toBe(false);
        }
  });

  it("pack and unpack alike at every width", () => {
    const { draw } = fillings("random");
    for (const length of [...Array(70).keys(), 4096, 4097, 5000]) comparePacking(length, draw);
  });

  it("take nothing and give nothing", () => {
    const nothing = new Float32Array(0);
    expect(both((k) => k.allFinite(nothing))).toBe(true);
    expect(both((k) => k.maxMagnitude(nothing))).toBe(0);
    expect(both((k) => k.nonZero(nothing)).length).toBe(0);
  });
});

describe("the choice", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  it("is the twin for a short vector, and the kernel for a long one", () => {
    expect(codecKernels(10)).toBe(scalar);
    expect(codecKernels(10_000)).toBe(simd);
  });

  it.each([
    ["there is no WebAssembly", undefined],
    ["WebAssembly has no SIMD", { validate: () => false }],
  ])("is the twin where %s, and payloads are the same", async (_, replacement) => {
    const { fill } = fillings("random");
    const vector = fill(5000);
    const encode = async (): Promise<readonly unknown[]> => {
      vi.resetModules();
      const { codec } = await import("../../src/compress/codec.ts");
      const specs = [
        { select: { topK: 0.1 }, values: "ternary" },
        { select: "all", values: { uniform: 5 } },
        { select: "all", values: { eden: 3 } },
      ] as const;
      return specs.map((spec) => digestsOf(codec(spec).encode(vector, 1)));
    };
    const expected = await encode();
    vi.stubGlobal("WebAssembly", replacement);
    expect(await encode()).toEqual(expected);
    const choice = await import("../../src/kernels/codec.ts");
    const twin = await import("../../src/kernels/codec-scalar.ts");
    expect(choice.codecKernels(5000)).toBe(twin.scalarCodecKernels);
  });
});
