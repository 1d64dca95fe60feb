import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codec, decodeAny } from "../../src/compress/codec.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { codecSuite } from "../suites/codec.ts";
import { bitsOf, vectors } from "../suites/sparse.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

for (const select of ["all", { topK: 0.01 }, { topK: 0.3 }, { topK: 1 }] as const) {
  const selection = select === "all" ? "all" : `top ${select.topK}`;
  for (const values of ["float32", "float16", "ternary"] as const)
    codecSuite(`${selection}, ${values}`, { select, values });
  for (const uniform of [1, 2, 4, 8])
    codecSuite(`${selection}, uniform ${uniform}`, { select, values: { uniform } });
}

describe("a codec", () => {
  it("sends the top 1 % of 30,000 as ternary within 2 % of the memoryless bound, and 8 bytes", () => {
    const length = 30_000;
    const rng = derive(7, "delta");
    const vector = Float32Array.from({ length }, () => gaussian(rng));
    const { payload, sent } = codec({ select: { topK: 0.01 }, values: "ternary" }).encode(vector);
    expect(sent.values.length).toBe(300);
    const p = 0.01;
    const entropy = -p * Math.log2(p) - (1 - p) * Math.log2(1 - p);
    const boundBytes = (length * (entropy + p)) / 8;
    const headBytes = 1 + 2 + 1 + 4; // coders, count, parameter, mu
    expect(payload.length - headBytes).toBeGreaterThan(0.98 * boundBytes);
    expect(payload.length - headBytes).toBeLessThan(1.02 * boundBytes);
  });

  it("writes an empty support as two bytes, whatever the values", () => {
    for (const values of ["float32", "float16", "ternary", { uniform: 3 }] as const) {
      const { payload, sent } = codec({ select: { topK: 0.5 }, values }).encode(new Float32Array(1000));
      expect(payload.length).toBe(2);
      expect(bitsOf(sent)).toEqual({ length: 1000, support: [], values: [] });
    }
  });

  it("does not send what was rounded to zero", () => {
    const vector = Float32Array.from([1e-9, 1, 0, 2e-9, -2]);
    const { sent } = codec({ select: { topK: 0.8 }, values: "float16" }).encode(vector);
    expect(bitsOf(sent)).toEqual(
      bitsOf({ length: 5, support: Uint32Array.of(1, 4), values: Float32Array.of(1, -2) }),
    );
  });

  it("sends no positions when everything is sent", () => {
    const vector = Float32Array.of(1, 2, 3);
    const dense = codec({ select: "all", values: "float32" }).encode(vector);
    expect(codec({ select: { topK: 1 }, values: "float32" }).encode(vector)).toEqual(dense);
    expect(dense.payload.length).toBe(1 + 12);
  });

  it("refuses values coded in another way than agreed", () => {
    const all = { select: "all" } as const;
    const { payload } = codec({ ...all, values: { uniform: 4 } }).encode(Float32Array.of(1, 2, 3));
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
          const { payload, sent } = codec({ select: { topK: 0.2 }, values } as never).encode(vector);
          expect(bitsOf(decodeAny(payload, vector.length, "payload"))).toEqual(bitsOf(sent));
        },
      ),
    );
  });

  it("takes no vector with a number that is none", () => {
    expect(() => codec({ select: "all", values: "float32" }).encode(Float32Array.of(1, Number.NaN))).toThrow(
      /finite/,
    );
  });
});
