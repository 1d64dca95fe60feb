import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codec } from "../../src/compress/codec.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { toDense } from "../../src/model/tensor.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const all = (values: CodecSpec["values"]) => codec({ select: "all", values });
const sent = (values: CodecSpec["values"], ...vector: number[]): number[] => [
  ...all(values).encode(Float32Array.from(vector), 0).sent.values,
];

describe("float16", () => {
  const decode = (bits: number): number =>
    all("float16").decode(Uint8Array.of(1, bits & 255, bits >> 8), 1).values[0]!;

  it("writes each of its finite numbers as itself", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      if ((bits & 0x7c00) === 0x7c00) continue;
      const { payload } = all("float16").encode(Float32Array.of(decode(bits)), 0);
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

describe("bfloat16", () => {
  const decode = (bits: number): number =>
    all("bfloat16").decode(Uint8Array.of(4, bits & 255, bits >> 8), 1).values[0]!;

  it("writes each of its finite numbers as itself", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      if ((bits & 0x7f80) === 0x7f80) continue;
      const { payload } = all("bfloat16").encode(Float32Array.of(decode(bits)), 0);
      if (payload[1]! + 256 * payload[2]! !== bits) expect.fail(`${bits.toString(16)} changed`);
    }
  });

  it("knows some of them by heart", () => {
    expect(decode(0x3f80)).toBe(1);
    expect(decode(0xc020)).toBe(-2.5);
    expect(decode(0x3dcd)).toBe(0.10009765625);
    expect(decode(0x0001)).toBe(2 ** -133);
    expect(decode(0x8000)).toBe(-0);
  });

  it("rounds to the nearest, ties to even, and never to infinity", () => {
    expect(sent("bfloat16", 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20)).toEqual([
      1,
      1 + 2 ** -6,
      1 + 2 ** -7,
    ]);
    expect(sent("bfloat16", 2 - 2 ** -23, -(2 ** -134), 1.5 * 2 ** -134)).toEqual([2, -0, 2 ** -133]);
    const largest = 255 * 2 ** 120;
    expect(sent("bfloat16", 3.4028234663852886e38, -3.4e38)).toEqual([largest, -largest]);
  });

  it("refuses infinity and NaN", () => {
    for (const bits of [0x7f80, 0xff80, 0x7fc0, 0x7f81])
      expect(wireErrorCode(() => decode(bits))).toBe("not-finite");
  });
});

describe("ternary", () => {
  it("sends the mean of the selected magnitudes, and signs", () => {
    const { sent, payload } = codec({ select: { topK: 0.5 }, values: "ternary" }).encode(
      Float32Array.of(0.1, -3, 0, 1, 0.2, -2),
      0,
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

describe("sign", () => {
  it("is ternary under another name", () => {
    const vector = Float32Array.of(0.5, -0.25, 0, 3);
    expect(all("sign").encode(vector, 0)).toEqual(all("ternary").encode(vector, 0));
  });

  it("sends no minus zero when the mean magnitude rounds to zero", () => {
    const vector = Float32Array.of(-(2 ** -149), 0, 0);
    for (const values of ["sign", { uniform: 1 }] as const) {
      const { payload, sent } = all(values).encode(vector, 0);
      expect([...sent.values]).toEqual([0, 0, 0]);
      expect([...all(values).decode(payload, 3).values]).toEqual([0, 0, 0]);
    }
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
    const { payload, sent: announced } = all(values).encode(vector, 0);
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

/** How often each outcome comes, over many seeds. */
function outcomes(
  values: CodecSpec["values"],
  vector: readonly number[],
  feedback = false,
): Map<string, number> {
  const subject = codec({ select: "all", values }, feedback);
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 4000; seed++) {
    const { support, values: sent } = subject.encode(Float32Array.from(vector), seed).sent;
    expect(support).toBeNull();
    const key = [...sent].join(" ");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

describe("stochastic rounding", () => {
  it("goes to either of the two levels, in proportion, by hand", () => {
    // 3 bits: levels 0, 1, 2, 3 of 3. 1.25 is 1 three times of four, and 2 once.
    const counts = outcomes({ uniform: 3, rounding: "stochastic" }, [3, 1.25]);
    expect([...counts.keys()].sort()).toEqual(["3 1", "3 2"]);
    expect(counts.get("3 2")! / 4000).toBeCloseTo(0.25, 1);
  });

  it("to one bit is plus or minus the largest", () => {
    const counts = outcomes({ uniform: 1, rounding: "stochastic" }, [4, 2]);
    expect([...counts.keys()].sort()).toEqual(["4 -4", "4 4"]);
    expect(counts.get("4 -4")! / 4000).toBeCloseTo(0.25, 1);
  });

  it("with feedback takes the scale of least error, by hand", () => {
    // levels 3 and 2 of 3: <v, c> / <c, c> = (9 + 2.5) / 13, times the level; levels 3 and 1: 10.25 / 10
    const [high, low] = [(3 * 11.5) / 13, (3 * 10.25) / 10].map(Math.fround);
    const counts = outcomes({ uniform: 3, rounding: "stochastic" }, [3, 1.25], true);
    const expected = [`${high} ${Math.fround((high! * 2) / 3)}`, `${low} ${Math.fround(low! / 3)}`];
    expect([...counts.keys()].sort()).toEqual(expected.sort());
  });
});

describe("qsgd", () => {
  it("rounds to multiples of the norm, by hand", () => {
    // The norm is 5; 3 is 2.4 fourths of it, and 4 is 3.2.
    const counts = outcomes({ qsgd: 4 }, [3, -4]);
    expect([...counts.keys()].sort()).toEqual(["2.5 -3.75", "2.5 -5", "3.75 -3.75", "3.75 -5"]);
    expect(counts.get("2.5 -3.75")! / 4000).toBeCloseTo(0.6 * 0.8, 1);
    expect(counts.get("3.75 -5")! / 4000).toBeCloseTo(0.4 * 0.2, 1);
  });

  it("has no more variance than it promises", () => {
    const rng = derive(4, "qsgd");
    const vector = Float32Array.from({ length: 400 }, () => gaussian(rng));
    const square = vector.reduce((sum, v) => sum + v * v, 0);
    for (const qsgd of [1, 4, 20, 100]) {
      let error = 0;
      for (let seed = 0; seed < 100; seed++) {
        const sent = toDense(codec({ select: "all", values: { qsgd } }).encode(vector, seed).sent);
        error += vector.reduce((sum, v, i) => sum + (v - sent[i]!) ** 2, 0) / 100;
      }
      expect(error).toBeLessThan(Math.min(400 / qsgd ** 2, 20 / qsgd) * square);
    }
  });

  it("reads gamma and fixed codes, by hand", () => {
    const norm = [0, 0, 0, 0x40]; // 2
    // levels 0, 1, 1 of 1, plus 1 in gamma code: 1, 010 and a plus, 010 and a minus
    const gamma = Uint8Array.of(5, 1, ...norm, 1, 0b01000101, 0b1);
    expect([...all({ qsgd: 1 }).decode(gamma, 3).values]).toEqual([0, 2, -2]);
    // 0, 2, 1 in two bits each
    const fixed = Uint8Array.of(5, 1, ...norm, 0, 0b011000);
    expect([...all({ qsgd: 1 }).decode(fixed, 3).values]).toEqual([0, -2, 2]);
    // where zeros are not sent, level 1 of 1 is a sign and no more: a bitmap of 011, and minus, plus
    const sparse = Uint8Array.of(0x25, 1, ...norm, 0, 0b01110);
    expect([...all({ qsgd: 1 }).decode(sparse, 3).values]).toEqual([-2, 2]);
  });

  it("of few levels costs a vector of Gaussians far less than a bit a coordinate", () => {
    const rng = derive(5, "qsgd");
    const vector = Float32Array.from({ length: 10_000 }, () => gaussian(rng));
    // some sqrt(2 / pi) * 100 of the coordinates are not zero
    expect(all({ qsgd: 1 }).encode(vector, 0).payload.length).toBeLessThan(110);
  });
});

describe("codebook", () => {
  it("finds the clusters that there are", () => {
    expect(sent({ codebook: 3 }, 0, 0.5, -0.5, 10, 11, 12, -5)).toEqual([0, 0, 0, 11, 11, 11, -5]);
    expect(sent({ codebook: 2 }, 1, 1.5, -2, 1)).toEqual([7 / 6, 7 / 6, -2, 7 / 6].map(Math.fround));
    expect(sent({ codebook: 4 }, 1, 2, 3, 2)).toEqual([1, 2, 3, 2]);
  });

  it("loses less the more centroids it has, and less than even levels", () => {
    const rng = derive(6, "codebook");
    const vector = Float32Array.from({ length: 3000 }, () => gaussian(rng) ** 3);
    const errorOf = (values: CodecSpec["values"]): number => {
      const { values: sentValues } = all(values).encode(vector, 0).sent;
      return vector.reduce((sum, v, i) => sum + (v - sentValues[i]!) ** 2, 0);
    };
    const errors = [2, 4, 16, 64, 256].map((codebook) => errorOf({ codebook }));
    expect(errors).toEqual(errors.toSorted((a, b) => b - a));
    expect(errorOf({ codebook: 15 })).toBeLessThan(0.5 * errorOf({ uniform: 4 }));
  });
});

describe("levels", () => {
  it("are signs and the means of small and large magnitudes, by hand", () => {
    expect(sent({ levels: 2 }, 1, -1.5, 5, -6)).toEqual([1.25, -1.25, 5.5, -5.5]);
    // a table of 1, 2 and 4; signs and places +0, -10, +11, -0, +0
    const { payload, sent: announced } = all({ levels: 3 }).encode(Float32Array.of(1, -2, 4, -1, 1), 0);
    expect([...announced.values]).toEqual([1, -2, 4, -1, 1]);
    expect([...payload.subarray(14)]).toEqual([0b11001100, 0b1]);
  });
});

describe("eden", () => {
  const rng = derive(8, "eden");
  const vector = Float32Array.from({ length: 2 ** 14 }, () => gaussian(rng) ** 3);
  const square = vector.reduce((sum, v) => sum + v * v, 0);
  const errorOf = (eden: number, feedback: boolean): number => {
    const { values } = codec({ select: "all", values: { eden } }, feedback).encode(vector, 3).sent;
    return vector.reduce((sum, v, i) => sum + (v - values[i]!) ** 2, 0) / square;
  };

  it("has the error of Lloyd and Max for a Gaussian, whatever the vector", () => {
    // Max (1960), table I: what is lost of a standard normal
    for (const [bits, lost] of [
      [1, 0.3634],
      [2, 0.1175],
      [3, 0.03454],
      [4, 0.009497],
    ] as const) {
      expect(errorOf(bits, true) / lost).toBeCloseTo(1, 1);
      expect(errorOf(bits, false) / (1 / (1 - lost) - 1)).toBeCloseTo(1, 1);
    }
  });

  it("spends next to nothing but its bits", () => {
    for (const length of [1000, 50_890]) {
      const { payload } = all({ eden: 2 }).encode(new Float32Array(length).fill(1), 0);
      expect(payload.length - length / 4).toBeLessThan(80);
    }
  });

  it("decodes a block by hand", () => {
    // All codes 0 stand for 64 times 3268. Transformed, that is 64 * 3268 at 0 and nothing elsewhere; the second signs
    // are one for that coordinate; transformed again it is 64 * 3268 everywhere, with the first signs, over 64.
    const head = [8, 1, 1, 0, 0, 0, 0, 0, 0x80, 0x3f];
    const { values } = all({ eden: 1 }).decode(Uint8Array.from([...head, ...new Uint8Array(8)]), 64);
    const words = [0x5e2d1772, 0x14e498f0, 0xd20ea1fd]; // of seed 1
    const second = words[2]! % 2 === 1 ? -1 : 1;
    values.forEach((value, i) => {
      const first = (words[i >> 5]! >>> (i & 31)) & 1 ? -1 : 1;
      expect(value).toBe(first * second * 3268);
    });
  });
});
