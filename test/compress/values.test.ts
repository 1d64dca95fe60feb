import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codec } from "../../src/compress/codec.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const all = (values: CodecSpec["values"]) => codec({ select: "all", values });
const sent = (values: CodecSpec["values"], ...vector: number[]): number[] => [
  ...all(values).encode(Float32Array.from(vector)).sent.values,
];

describe("float16", () => {
  const decode = (bits: number): number =>
    all("float16").decode(Uint8Array.of(1, bits & 255, bits >> 8), 1).values[0]!;

  it("writes each of its finite numbers as itself", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      if ((bits & 0x7c00) === 0x7c00) continue;
      const { payload } = all("float16").encode(Float32Array.of(decode(bits)));
      if (payload[1]! + 256 * payload[2]! !== bits) expect.fail(`${bits.toString(16)} changed`);
    }
  });

  it("knows some of them by heart", () => {
    expect(decode(0x3c00)).toBe(1);
    expect(decode(0xc000)).toBe(-2);
    expect(decode(0x3555)).toBe(0.333251953125);
    expect(decode(0x7bff)).toBe(65504);
    expect(decode(0x0400)).toBe(2 ** -14);
    expect(decode(0x0001)).toBe(2 ** -24);
    expect(decode(0x8000)).toBe(-0);
  });

  it("refuses infinity and NaN", () => {
    for (const bits of [0x7c00, 0xfc00, 0x7e00, 0x7c01])
      expect(wireErrorCode(() => decode(bits))).toBe("not-finite");
  });

  it("rounds to the nearest, ties to even, and never beyond 65504", () => {
    const grid = Array.from({ length: 0x7c00 }, (_, bits) => decode(bits)); // rising
    fc.assert(
      fc.property(fc.float({ min: -70000, max: 70000, noNaN: true }), fc.nat(40), (scaled, down) => {
        const value = Math.fround(scaled / 2 ** down);
        const rounded = Math.abs(sent("float16", value)[0]!);
        const at = grid.indexOf(rounded);
        const error = Math.abs(Math.abs(value) - rounded);
        for (const other of [at - 1, at + 1]) {
          const otherError = Math.abs(Math.abs(value) - (grid[other] ?? Infinity));
          expect(error).toBeLessThanOrEqual(otherError);
          if (error === otherError) expect(at % 2).toBe(0);
        }
      }),
      { numRuns: 1000 },
    );
    expect(sent("float16", 1e9, -1e9, 65519)).toEqual([65504, -65504, 65504]);
    expect(sent("float16", 2 ** -25, 1.5 * 2 ** -24, -3e-8)).toEqual([0, 2 ** -23, -(2 ** -25) * 2]);
    expect(sent("float16", 1 + 2 ** -11, 1 + 3 * 2 ** -11)).toEqual([1, 1 + 2 ** -9]);
  });
});

describe("ternary", () => {
  it("sends the mean of the selected magnitudes, and signs", () => {
    const { sent, payload } = codec({ select: { topK: 0.5 }, values: "ternary" }).encode(
      Float32Array.of(0.1, -3, 0, 1, 0.2, -2),
    );
    expect([...sent.support!]).toEqual([1, 3, 5]);
    expect([...sent.values]).toEqual([-2, 2, -2]);
    // ternary (2) with a bitmap (2 << 4); mu = 2; positions 010101, signs 101, low bits first
    expect([...payload]).toEqual([0x22, 0, 0, 0, 0x40, 0b01_101010, 0b1]);
  });

  it("of everything counts zero as plus", () => {
    expect(sent("ternary", 0, -1, 3, 0)).toEqual([1, -1, 1, 1]);
    expect(sent("ternary", 0, -0)).toEqual([0, 0]);
  });

  it("refuses a mu that is negative or no number, and minus zeros", () => {
    const decode = (...bytes: number[]) => all("ternary").decode(Uint8Array.of(2, ...bytes), 1);
    expect(decode(0, 0, 0x80, 0x3f, 1).values[0]).toBe(-1);
    expect(wireErrorCode(() => decode(0, 0, 0x80, 0xbf, 1))).toBe("bad-field");
    expect(wireErrorCode(() => decode(0, 0, 0, 0x80, 0))).toBe("bad-field");
    expect(wireErrorCode(() => decode(0, 0, 0xc0, 0x7f, 0))).toBe("not-finite");
    expect(wireErrorCode(() => decode(0, 0, 0, 0, 1))).toBe("bad-field");
  });
});

describe("uniform", () => {
  it("has 2^bits - 1 levels, zero and the largest magnitude among them", () => {
    expect(sent({ uniform: 2 }, 1, -0.6, 0.49, 0)).toEqual([1, -1, 0, 0]);
    expect(sent({ uniform: 3 }, 3, -1.5, 0.49, -2.4)).toEqual([3, -2, 0, -2]);
    const levels = new Set(sent({ uniform: 5 }, ...Array.from({ length: 2001 }, (_, i) => i / 1000 - 1)));
    expect(levels.size).toBe(31);
  });

  it("of one bit is sign times mean magnitude", () => {
    expect(sent({ uniform: 1 }, 1, -0.5, 0, 2.5)).toEqual([1, -1, 1, 1]);
  });

  it("moves no value by more than half a step, nor by more than itself", () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -4, max: 4, noNaN: true }), { minLength: 1 }),
        fc.integer({ min: 2, max: 8 }),
        (values, bits) => {
          const vector = Float32Array.from(values);
          const scale = Math.max(...vector.map(Math.abs));
          sent({ uniform: bits }, ...vector).forEach((q, i) => {
            const error = Math.abs(q - vector[i]!);
            const halfStep = scale / (2 ** (bits - 1) - 1) / 2;
            // a level is itself rounded to float32: by 2^-24 of it, or by a whole bit among the subnormals
            const rounding = 1e-6 * scale + 2 ** -149;
            expect(error).toBeLessThanOrEqual(Math.min(halfStep, Math.abs(vector[i]!)) + rounding);
          });
        },
      ),
    );
  });

  it("keeps levels apart from each other even where float32 runs out of bits", () => {
    const tiny = 2 ** -149;
    expect(sent({ uniform: 4 }, 3 * tiny, tiny, -2 * tiny, 0)).toEqual([3 * tiny, tiny, -2 * tiny, 0]);
    const values = { uniform: 4 };
    const vector = Float32Array.of(3 * tiny, tiny, -2 * tiny, 0);
    const { payload, sent: announced } = all(values).encode(vector);
    expect([...all(values).decode(payload, 4).values]).toEqual([...announced.values]);
  });

  it("refuses a level that there is not, and bits that there are not", () => {
    const decode = (bits: number, level: number, scale = 1) => {
      const head = new Uint8Array(Float32Array.of(scale).buffer);
      return all({ uniform: bits }).decode(Uint8Array.of(3, bits, ...head, level), 1);
    };
    expect(decode(4, 14).values[0]).toBe(1);
    expect(wireErrorCode(() => decode(4, 15))).toBe("bad-field");
    expect(wireErrorCode(() => decode(4, 8, 0))).toBe("bad-field"); // a scale of zero has one level
    expect(decode(4, 7, 0).values[0]).toBe(0);
    expect(wireErrorCode(() => decode(9, 0))).toBe("bad-field");
    expect(wireErrorCode(() => decode(0, 0))).toBe("bad-field");
  });
});
