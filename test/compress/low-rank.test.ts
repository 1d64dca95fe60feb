import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Codec, codec, decodeAny } from "../../src/compress/codec.ts";
import { emptyResidual, encodeDelta } from "../../src/compress/error-feedback.ts";
import { numFactors, powerFactors, product } from "../../src/compress/low-rank.ts";
import { planGroups } from "../../src/compress/plan.ts";
import { ConfigError, WireError } from "../../src/model/error.ts";
import type { CodecSpec, PlanRule } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { bitsOf } from "../suites/sparse.ts";

const matrixOf = (rows: number, cols: number, value: (i: number, j: number) => number): Float32Array =>
  Float32Array.from({ length: rows * cols }, (_, at) => value(Math.floor(at / cols), at % cols));
const squares = (v: ArrayLike<number>): number => Array.from(v).reduce((sum, x) => sum + x * x, 0);
const minus = (a: Float32Array, b: Float32Array): Float32Array => a.map((v, i) => v - b[i]!);
const lowRank = (rank: number, rows: number, values: CodecSpec["values"] = "float32", cols = rows): Codec =>
  codec({ select: { lowRank: rank }, values }, true, [{ rows, cols }]);

describe("powerFactors", () => {
  it("gives a matrix of the rank back, from any seed", () => {
    for (const seed of [0, 1, 2 ** 32 - 1]) {
      const matrix = matrixOf(9, 7, (i, j) => (i + 1) * Math.cos(j) + (i % 3) * j);
      const shape = { rows: 9, cols: 7, rank: 2 };
      const made = product(powerFactors(matrix, shape, seed), shape);
      expect(squares(minus(matrix, made)) / squares(matrix)).toBeLessThan(1e-10);
    }
  });

  it("has P orthogonal, with columns of one length, so that the product is a projection", () => {
    const rng = derive(1, "matrix");
    const shape = { rows: 12, cols: 10, rank: 3 };
    const matrix = matrixOf(12, 10, () => gaussian(rng));
    const factors = powerFactors(matrix, shape, 5);
    const dot = (a: number, b: number): number => {
      let sum = 0;
      for (let i = 0; i < 12; i++) sum += factors[3 * i + a]! * factors[3 * i + b]!;
      return sum;
    };
    for (let a = 0; a < 3; a++)
      for (let b = 0; b < 3; b++) expect(dot(a, b) / dot(0, 0)).toBeCloseTo(a === b ? 1 : 0, 6);
    expect(squares(factors.subarray(0, 36)) / 36).toBeCloseTo(squares(factors.subarray(36)) / 30, 5);
    const made = product(factors, shape);
    expect(squares(made) + squares(minus(matrix, made))).toBeCloseTo(squares(matrix), 3);
  });

  it("finds the large direction of a matrix with one: diag(10, 1, 1)", () => {
    const matrix = matrixOf(3, 3, (i, j) => (i !== j ? 0 : i === 0 ? 10 : 1));
    const shape = { rows: 3, cols: 3, rank: 1 };
    const made = product(powerFactors(matrix, shape, 7), shape);
    expect(made[0]).toBeGreaterThan(9.9);
    expect(squares(minus(matrix, made))).toBeLessThan(2.2); // 2 is the least that rank 1 can do
  });

  it("of zeros is zeros", () => {
    expect(squares(powerFactors(new Float32Array(12), { rows: 4, cols: 3, rank: 2 }, 1))).toBe(0);
  });
});

it("product by hand: two columns", () => {
  const factors = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10); // P [2, 2], Q [3, 2]
  expect([...product(factors, { rows: 2, cols: 3, rank: 2 })]).toEqual([17, 23, 29, 39, 53, 67]);
});

describe("the low-rank codec", () => {
  const shapes = fc.record({
    rows: fc.integer({ min: 3, max: 14 }),
    cols: fc.integer({ min: 3, max: 14 }),
    seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    scale: fc.constantFrom(1e-30, 1e-3, 1, 1e6, 1e30),
  });
  const everyValues: readonly CodecSpec["values"][] = [
    "float32",
    "float16",
    "bfloat16",
    "ternary",
    { uniform: 4 },
    { qsgd: 8 },
    { codebook: 8 },
    { levels: 2 },
    { eden: 2 },
  ];

  it.each(everyValues.map((values) => [JSON.stringify(values), values] as const))(
    "%s: same bytes, decodes to what it says it sent, never loses more than there is",
    (_, values) => {
      fc.assert(
        fc.property(shapes, ({ rows, cols, seed, scale }) => {
          const rng = derive(seed, "matrix");
          const matrix = matrixOf(rows, cols, () => scale * gaussian(rng));
          const coder = lowRank(1, rows, values, cols);
          const { payload, sent } = coder.encode(matrix, seed);
          expect(coder.encode(matrix, seed).payload).toEqual(payload);
          expect(bitsOf(coder.decode(payload, rows * cols))).toEqual(bitsOf(sent));
          expect(bitsOf(decodeAny(payload, rows * cols, "payload"))).toEqual(bitsOf(sent));
          const made = new Float32Array(rows * cols);
          sent.values.forEach((v, i) => {
            made[sent.support === null ? i : sent.support[i]!] = v;
          });
          expect(squares(minus(matrix, made))).toBeLessThanOrEqual(squares(matrix) * (1 + 1e-6));
        }),
        { numRuns: 60 },
      );
    },
  );

  it("costs its factors, a head and no more", () => {
    const shape = { rows: 40, cols: 30, rank: 3 };
    const rng = derive(2, "matrix");
    const { payload } = lowRank(3, 40, "float16", 30).encode(
      matrixOf(40, 30, () => gaussian(rng)),
      1,
    );
    expect(payload.length).toBe(1 + 2 + 2 * numFactors(shape));
  });

  it("keeps within the bound", () => {
    const rng = derive(3, "matrix");
    const matrix = matrixOf(10, 10, () => Math.max(-1, Math.min(1, 3 * gaussian(rng))));
    for (const values of everyValues) {
      const { sent } = lowRank(2, 10, values).encode(matrix, 1, 1);
      expect(Math.max(0, ...sent.values.map(Math.abs))).toBeLessThanOrEqual(1);
    }
  });

  it("loses little of a matrix of its rank, whatever the scale and the values", () => {
    const rng = derive(6, "rank");
    const shape = { rows: 64, cols: 48, rank: 2 };
    const factors = Float32Array.from({ length: numFactors(shape) }, () => gaussian(rng));
    for (const scale of [1e-4, 1e-2, 1, 1e3])
      for (const [values, most] of [
        ["float16", 1e-3],
        [{ uniform: 8 }, 1e-2],
        [{ uniform: 4 }, 0.2],
        [{ codebook: 16 }, 0.1],
        ["ternary", 0.9],
      ] as const) {
        const matrix = product(factors, shape).map((v) => v * scale);
        const { sent } = lowRank(2, 64, values, 48).encode(matrix, 1);
        expect(squares(minus(matrix, sent.values)) / squares(matrix), JSON.stringify(values)).toBeLessThan(
          most,
        );
      }
  });

  it("sends nothing of nothing", () => {
    const { payload } = lowRank(1, 4).encode(new Float32Array(16), 1);
    expect([...payload]).toEqual([0x10, 0]);
  });

  it.each(everyValues)("stays within float32, as %j, however large the matrix", (values) => {
    for (const value of [1e20, 3.4e38]) {
      const coder = lowRank(1, 16, values);
      const { payload, sent } = coder.encode(new Float32Array(256).fill(value), 1);
      expect(sent.values.every(Number.isFinite)).toBe(true);
      expect(bitsOf(coder.decode(payload, 256))).toEqual(bitsOf(sent));
    }
  });

  it("decodes to positive zeros, also where a product underflows", () => {
    const factors = Float32Array.of(-1e-30, 1, 1, 1, 1e-30, 1, 1, 1);
    expect(Object.is(product(factors, { rows: 4, cols: 4, rank: 1 })[0], 0)).toBe(true);
  });

  it("decodes any bytes to a vector of that length, or throws WireError", () => {
    const rng = derive(4, "bytes");
    const { payload } = lowRank(2, 10, "float16", 8).encode(
      matrixOf(10, 8, (i, j) => i - j),
      1,
    );
    for (let n = 0; n < 3000; n++) {
      const bytes = payload.slice(0, rng.below(4) === 0 ? rng.below(payload.length + 1) : payload.length);
      for (let flips = rng.below(4); flips > 0 && bytes.length > 0; flips--)
        bytes[rng.below(Math.min(bytes.length, 12))]! ^= 1 << rng.below(8);
      try {
        const { length, support, values } = decodeAny(bytes, 80, "payload");
        expect(length).toBe(80);
        expect(support?.length ?? 80).toBe(values.length);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }
  });
});

describe("a plan with a low-rank rule", () => {
  const manifest = {
    tensors: [
      { name: "conv/kernel", shape: [3, 3, 4, 8] },
      { name: "dense/kernel", shape: [30, 20] },
      { name: "dense/bias", shape: [20] },
    ],
  };
  const rule = (tensors: string, rank: number, errorFeedback = true): PlanRule => ({
    tensors,
    codec: { select: { lowRank: rank }, values: "float16" },
    errorFeedback,
  });
  const rest: PlanRule = { tensors: "*", codec: { select: "all", values: "float32" }, errorFeedback: false };
  const problemsOf = (rules: readonly PlanRule[]): string => {
    try {
      planGroups(rules, manifest, "uplink");
      return "";
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      return (error as Error).message;
    }
  };

  it("takes a kernel's last axis as columns, and what it leaves out is owed", () => {
    const groups = planGroups([rule("conv/kernel", 2), rest], manifest, "uplink");
    const rng = derive(5, "delta");
    const delta = new Map(
      manifest.tensors.map(({ name, shape }) => {
        const length = shape.reduce((a, b) => a * b, 1);
        return [name, { shape, data: Float32Array.from({ length }, () => gaussian(rng)) }] as const;
      }),
    );
    const { payloads, sent, residual } = encodeDelta(groups, delta, emptyResidual(groups), 8, 1);
    expect([...payloads[0]!.subarray(0, 3)]).toEqual([0x81, 2, 36]);
    const { values } = sent.get("conv/kernel")!;
    delta.get("conv/kernel")!.data.forEach((v, i) => {
      expect(values[i]! + residual[0]![i]!).toBeCloseTo(v, 5);
    });
  });

  it("is refused where there is no matrix, no feedback, or nothing to gain", () => {
    expect(problemsOf([rule("*", 2)])).toContain(
      "a rule that only one tensor of two or more dimensions matches",
    );
    expect(problemsOf([rule("dense/bias", 2), rest])).toContain("two or more dimensions");
    expect(problemsOf([rule("dense/kernel", 12), rest])).toContain(
      "a rank of at most 11 for dense/kernel, 30x20",
    );
    expect(problemsOf([rule("dense/kernel", 11), rest])).toBe("");
    expect(problemsOf([rule("dense/kernel", 2, false), rest])).toContain(
      "errorFeedback: true beside lowRank",
    );
    expect(problemsOf([rule("dense/kernel", 0), rest])).toContain("1 to 32 columns");
  });
});
