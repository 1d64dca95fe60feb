import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codec, decodeAny } from "../../src/compress/codec.ts";
import { golombRice } from "../../src/compress/positions/golomb-rice.ts";
import { shortestPositions } from "../../src/compress/positions.ts";
import { derive } from "../../src/model/rng.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

/** A payload of float32s whose positions are written by hand; `bits` as a string, in the order of the stream. */
function payload(head: readonly number[], bits: string, values: readonly number[]): Uint8Array {
  const floats = new Uint8Array(Float32Array.from(values).buffer);
  const text =
    bits + [...floats].map((byte) => [...byte.toString(2).padStart(8, "0")].reverse().join("")).join("");
  const bytes = text.match(/.{1,8}/g) ?? [];
  return Uint8Array.from([...head, ...bytes.map((byte) => Number.parseInt([...byte].reverse().join(""), 2))]);
}

const support = (bytes: Uint8Array, length: number): number[] | null => {
  const decoded = decodeAny(bytes, length, "payload").support;
  return decoded === null ? null : [...decoded];
};

describe("Golomb-Rice positions", () => {
  it("are gaps: zeros for the high part, a one, then the low bits", () => {
    // parameter 2: gaps 5, 0, 9 from 5, 6, 16 are 1|01, 0|00, 2|01
    expect(support(payload([0x10, 3, 2], "0110" + "100" + "00110", [1, 2, 3]), 17)).toEqual([5, 6, 16]);
  });

  it("may not leave the vector", () => {
    const bytes = payload([0x10, 3, 2], "0110" + "100" + "00110", [1, 2, 3]);
    expect(wireErrorCode(() => support(bytes, 16))).toBe("bad-positions");
    expect(wireErrorCode(() => support(bytes, 6))).toBe("bad-positions");
    expect(wireErrorCode(() => support(bytes, 2))).toBe("bad-positions"); // more positions than coordinates
    expect(wireErrorCode(() => support(payload([0x10, 2, 0], "11" + "000000", [1, 2]), 1))).toBe(
      "bad-positions",
    );
  });

  it("may not run on", () => {
    expect(wireErrorCode(() => support(payload([0x10, 1, 0], "0".repeat(4000), []), 100))).toBe(
      "bad-positions",
    );
  });

  it("have a parameter of at most 24", () => {
    expect(wireErrorCode(() => support(payload([0x10, 1, 25], `1${"0".repeat(31)}`, [1]), 9))).toBe(
      "bad-field",
    );
    expect(support(payload([0x10, 1, 24], `1${"0".repeat(24)}`, [1]), 9)).toEqual([0]);
  });

  it("count nothing once: no parameter and no bits follow", () => {
    expect(support(Uint8Array.of(0x10, 0), 5)).toEqual([]);
    expect(wireErrorCode(() => support(Uint8Array.of(0x10, 0, 0), 5))).toBe("trailing");
  });

  it("claim no memory that the bytes cannot fill", () => {
    const huge = Uint8Array.of(0x10, 0xff, 0xff, 0xff, 0x7f, 0, 1); // 2^28 - 1 positions in one byte
    expect(wireErrorCode(() => support(huge, 2 ** 30))).toBe("truncated");
    expect(wireErrorCode(() => support(Uint8Array.of(0x20, 1), 2 ** 30))).toBe("truncated");
    expect(wireErrorCode(() => support(Uint8Array.of(0x00, 1), 2 ** 30))).toBe("truncated");
  });

  it("use the parameter that is best of all", () => {
    const supports = fc.uniqueArray(fc.nat(5000), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(supports, (unsorted) => {
        const positions = Uint32Array.from(unsorted).sort();
        const gaps = [...positions].map((position, i) => position - (i === 0 ? 0 : positions[i - 1]! + 1));
        const costs = Array.from({ length: 25 }, (_, r) =>
          gaps.reduce((n, gap) => n + 1 + r + (gap >>> r), 0),
        );
        expect(golombRice(positions).bits).toBe(Math.min(...costs));
      }),
    );
  });

  it("come within 2 % of the memoryless bound from a tenth down to a thousandth", () => {
    for (const density of [0.1, 0.03, 0.01, 0.0025, 0.001]) {
      const length = 400_000;
      const rng = derive(3, "support", density);
      const positions = Uint32Array.from([...Array(length).keys()].filter(() => rng.uniform() < density));
      const p = positions.length / length;
      const bound = length * (-p * Math.log2(p) - (1 - p) * Math.log2(1 - p));
      const { bits } = golombRice(positions);
      expect(bits / bound).toBeGreaterThan(0.995); // a sample may fall a little short of its own entropy's mean
      expect(bits / bound).toBeLessThan(1.02);
    }
  });
});

describe("a bitmap", () => {
  it("has one bit a coordinate", () => {
    expect(support(payload([0x20], "01001", [1, 2]), 5)).toEqual([1, 4]);
  });

  it("is never empty", () => {
    expect(wireErrorCode(() => support(payload([0x20], "00000", []), 5))).toBe("bad-positions");
  });
});

describe("positions", () => {
  it("are written in the shortest way", () => {
    const every = (step: number) => Uint32Array.from({ length: Math.ceil(1000 / step) }, (_, i) => i * step);
    expect(shortestPositions(null, 1000).id).toBe(0);
    expect(shortestPositions(every(2), 1000).id).toBe(2);
    expect(shortestPositions(every(50), 1000).id).toBe(1);
    expect(shortestPositions(new Uint32Array(0), 1).id).toBe(1);
  });

  it("cost what they were said to cost", () => {
    const densities = fc.double({ min: 0.001, max: 1, noNaN: true });
    fc.assert(
      fc.property(densities, fc.integer({ min: 1, max: 2000 }), (density, length) => {
        const rng = derive(length, "vector");
        const vector = Float32Array.from({ length }, () => rng.uniform() - 0.25);
        const { payload: bytes, sent } = codec({ select: { topK: density }, values: "ternary" }).encode(
          vector,
        );
        const { headBytes, bits } = shortestPositions(sent.support, length);
        expect(bytes.length).toBe(1 + headBytes + 4 + Math.ceil((bits + sent.values.length) / 8));
      }),
    );
  });

  it("carry no zeros", () => {
    expect(wireErrorCode(() => support(payload([0x20], "01001", [1, 0]), 5))).toBe("bad-field");
    expect(wireErrorCode(() => support(payload([0x20], "01001", [-0, 1]), 5))).toBe("bad-field");
    expect(wireErrorCode(() => support(Uint8Array.of(0x12, 1, 0, 0, 0, 0, 0, 1), 5))).toBe("bad-field"); // mu is 0
  });

  it("have coders with known numbers", () => {
    for (const coders of [0x0f, 0xf0, 0x30, 0x04])
      expect(wireErrorCode(() => support(Uint8Array.of(coders, 1, 1, 1), 5))).toBe("bad-codec");
  });
});
