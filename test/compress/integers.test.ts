import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeIntegers, encodeIntegers } from "../../src/compress/integers.ts";
import { WireError } from "../../src/model/error.ts";
import { bytesOf, hexOf } from "../suites/vectors.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const vectorOf = (...values: (number | bigint)[]) => BigInt64Array.from(values, BigInt);

/** Vector and bytes, worked out by hand. */
const golden: readonly (readonly [string, BigInt64Array, string])[] = [
  ["nothing but zeros", vectorOf(0, 0, 0), "00"],
  ["one byte each", vectorOf(1, -1, 127, -128), "01 00 01ff7f80"],
  ["one more than a byte holds", vectorOf(128, 1), "02 00 80000100"],
  ["a shift that all share", vectorOf(3 * 2 ** 16, -(2 ** 16)), "01 10 03ff"],
  ["zeros left out: bitmap 0x20, then the one", vectorOf(0, 0, 0, 0, 0, 5 * 2 ** 20), "11 14 20 05"],
  ["zeros kept where a bitmap costs more", vectorOf(0, 7), "01 00 0007"],
  ["all 64 bits", vectorOf(2n ** 63n - 1n, -(2n ** 63n)), "08 00 ffffffffffffff7f 0000000000000080"],
  ["the least integer, shifted down", vectorOf(-(2n ** 63n)), "01 3f ff"],
];

describe("golden integers", () => {
  it.each(golden)("%s", (_, vector, hex) => {
    const bytes = bytesOf(hex.replaceAll(" ", ""));
    expect(hexOf(encodeIntegers(vector))).toBe(hexOf(bytes));
    expect(decodeIntegers(bytes, vector.length, "here")).toEqual(vector);
  });
});

describe("integers to refuse", () => {
  it.each([
    ["no bytes", "", 3, "truncated"],
    ["a form that is none", "0900", 1, "bad-field"],
    ["zeros only, sparse", "10", 1, "bad-field"],
    ["zeros in bytes", "010000", 1, "bad-field"],
    ["too few bytes", "020001", 1, "truncated"],
    ["a byte too many", "01000100", 1, "trailing"],
    ["a byte after zeros only", "0000", 1, "trailing"],
    ["wider than need be", "02000100", 1, "bad-field"],
    ["a shift that could be larger", "010002", 1, "bad-field"],
    ["a shift beyond 64 bits", "013f02", 1, "bad-field"],
    ["no shift is as large", "014001", 1, "bad-field"],
    ["zeros kept where leaving them out is shorter", "02000100000000000000", 4, "bad-field"],
    ["zeros left out where keeping them is shorter", "11000207", 2, "bad-field"],
    ["a zero that was not left out", "1100210005", 6, "bad-field"],
    ["bits beyond the vector", "1100600507", 6, "bad-field"],
  ] as const)("%s", (_, hex, length, code) => {
    expect(wireErrorCode(() => decodeIntegers(bytesOf(hex), length, "here"))).toBe(code);
  });
});

const integers = fc
  .tuple(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.integer({ min: 0, max: 63 }), fc.nat(3))
  .map(([value, bits, zero]) =>
    zero === 0 ? BigInt.asIntN(64, (value >> BigInt(bits)) << BigInt(bits % 40)) : 0n,
  );

describe("properties", () => {
  it("every vector comes back, by its one encoding", () => {
    fc.assert(
      fc.property(fc.array(integers, { minLength: 1, maxLength: 60 }), (values) => {
        const vector = BigInt64Array.from(values);
        expect(decodeIntegers(encodeIntegers(vector), vector.length, "here")).toEqual(vector);
      }),
      { numRuns: 500 },
    );
  });

  it("any bytes decode to a vector that encodes to them, or throw WireError", () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(fc.array(integers, { minLength: 1, maxLength: 9 }), fc.nat(), fc.nat(255))
        .map(([values, at, byte]) => {
          const bytes = encodeIntegers(BigInt64Array.from(values)).slice();
          bytes[at % bytes.length] = byte;
          return bytes;
        }),
    );
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 9 }), (bytes, length) => {
        try {
          expect(encodeIntegers(decodeIntegers(bytes, length, "here"))).toEqual(bytes);
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });
});
