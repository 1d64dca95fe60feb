import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Codec, codec, decodeAny } from "../../src/compress/codec.ts";
import { lossOf } from "../../src/compress/loss.ts";
import type { Matrix } from "../../src/compress/matrix.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { codecSuite } from "../suites/codec.ts";
import { bitsOf, vectors } from "../suites/sparse.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const anyValues: readonly CodecSpec["values"][] = [
  "float32",
  "float16",
  "bfloat16",
  "ternary",
  "sign",
  ...[1, 2, 4, 8].map((uniform) => ({ uniform })),
  { uniform: 1, rounding: "stochastic" },
  { uniform: 4, rounding: "stochastic" },
  { qsgd: 1 },
  { qsgd: 7 },
  { codebook: 2 },
  { codebook: 16 },
  { levels: 2 },
  { levels: 3 },
  { eden: 1 },
  { eden: 4 },
];
const someValues = ["float32", "ternary", { qsgd: 3 }, { eden: 2 }] as const;
function squarest(length: number): Matrix {
  for (let rows = Math.floor(Math.sqrt(length)); ; rows--)
    if (length % rows === 0) return { rows, cols: length / rows };
}
const textOf = (part: unknown): string => (typeof part === "string" ? part : JSON.stringify(part));

for (const [select, ofValues] of [
  ["all", anyValues],
  [{ topK: 0.3 }, anyValues],
  [{ blocks: { keep: 2, of: 4 } }, anyValues],
  [{ topK: 0.01 }, someValues],
  [{ topK: 1 }, someValues],
  [{ threshold: 0.25 }, someValues],
  [{ blocks: { keep: 9, of: 24 } }, someValues],
] as const)
  for (const values of ofValues) codecSuite(`${textOf(select)}, ${textOf(values)}`, { select, values });

// With feedback unbiased codes are scaled to be contractions, and random coordinates may be coded in any way.
for (const values of anyValues)
  codecSuite(`{"randomK":0.2}, ${textOf(values)}, with feedback`, { select: { randomK: 0.2 }, values }, true);
for (const values of anyValues)
  if (lossOf({ select: "all", values }, false) === "unbiased") {
    codecSuite(`all, ${textOf(values)}, with feedback`, { select: "all", values }, true);
    codecSuite(`{"randomK":0.2}, ${textOf(values)}`, { select: { randomK: 0.2 }, values });
  }
for (const select of [{ rows: 0.3 }, { filters: 0.3 }, { rows: 0.01 }, { filters: 1 }] as const)
  for (const values of someValues) {
    const spec: CodecSpec = { select, values };
    const feedback = typeof values === "object"; // what is merely unbiased is so of what is selected
    const encode: Codec["encode"] = (vector, ...rest) =>
      codec(spec, feedback, [squarest(vector.length)]).encode(vector, ...rest);
    codecSuite(`${textOf(select)}, ${textOf(values)}`, spec, feedback, { ...codec(spec, feedback), encode });
  }
codecSuite("randomK of floats", { select: { randomK: 0.2 }, values: "float32" });

describe("a codec", () => {
  it("sends the top 1 % of 30,000 as ternary within 2 % of the memoryless bound, and 8 bytes", () => {
    const length = 30_000;
    const rng = derive(7, "delta");
    const vector = Float32Array.from({ length }, () => gaussian(rng));
    const { payload, sent } = codec({ select: { topK: 0.01 }, values: "ternary" }).encode(vector, 0);
    expect(sent.values.length).toBe(300);
    const p = 0.01;
    const entropy = -p * Math.log2(p) - (1 - p) * Math.log2(1 - p);
    const boundBytes = (length * (entropy + p)) / 8;
    const headBytes = 1 + 2 + 1 + 4; // coders, count, parameter, mu
    expect(payload.length - headBytes).toBeGreaterThan(0.98 * boundBytes);
    expect(payload.length - headBytes).toBeLessThan(1.02 * boundBytes);
  });

  it("writes an empty support as two bytes, whatever the values", () => {
    for (const values of ["float32", "float16", "bfloat16", "ternary", { uniform: 3 }] as const) {
      const { payload, sent } = codec({ select: { topK: 0.5 }, values }).encode(new Float32Array(1000), 0);
      expect(payload.length).toBe(2);
      expect(bitsOf(sent)).toEqual({ length: 1000, support: [], values: [] });
    }
  });

  it("does not send what was rounded to zero", () => {
    const vector = Float32Array.from([1e-9, 1, 0, 2e-9, -2]);
    const { sent } = codec({ select: { topK: 0.8 }, values: "float16" }).encode(vector, 0);
    expect(bitsOf(sent)).toEqual(
      bitsOf({ length: 5, support: Uint32Array.of(1, 4), values: Float32Array.of(1, -2) }),
    );
  });

  it("sends no positions when everything is sent", () => {
    const vector = Float32Array.of(1, 2, 3);
    const dense = codec({ select: "all", values: "float32" }).encode(vector, 0);
    expect(codec({ select: { topK: 1 }, values: "float32" }).encode(vector, 0)).toEqual(dense);
    expect(dense.payload.length).toBe(1 + 12);
  });

  it("refuses values coded in another way than agreed", () => {
    const all = { select: "all" } as const;
    const { payload } = codec({ ...all, values: { uniform: 4 } }).encode(Float32Array.of(1, 2, 3), 0);
    expect(wireErrorCode(() => codec({ ...all, values: { uniform: 5 } }).decode(payload, 3))).toBe(
      "bad-codec",
    );
    expect(wireErrorCode(() => codec({ ...all, values: "ternary" }).decode(payload, 3))).toBe("bad-codec");
    expect(decodeAny(payload, 3, "payload").values.length).toBe(3);
  });

  it("knows every payload by its own head", () => {
    fc.assert(
      fc.property(
        vectors(),
        fc.constantFrom("float32", "float16", "ternary", { uniform: 5 }),
        (vector, values) => {
          const { payload, sent } = codec({ select: { topK: 0.2 }, values } as never).encode(vector, 0);
          expect(bitsOf(decodeAny(payload, vector.length, "payload"))).toEqual(bitsOf(sent));
        },
      ),
    );
  });

  it("takes no vector with a number that is none", () => {
    expect(() =>
      codec({ select: "all", values: "float32" }).encode(Float32Array.of(1, Number.NaN), 0),
    ).toThrow(/finite/);
  });
});
