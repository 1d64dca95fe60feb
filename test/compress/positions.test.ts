import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bitReader, bitWriter } from "../../src/compress/bits.ts";
import { byteReader, byteWriter } from "../../src/compress/bytes.ts";
import { codec, decodeAny } from "../../src/compress/codec.ts";
import { blockPositions, readBlockPositions } from "../../src/compress/positions/blocks.ts";
import { golombRice } from "../../src/compress/positions/golomb-rice.ts";
import { drawPositions } from "../../src/compress/positions/seed.ts";
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

describe("run lengths", () => {
  // Skipped 5 and 4, sent 3 and 2: written are 5, 3 - 1; 4 - 1, 2 - 1, with parameters 2 and 1.
  const bits = "0110" + "010" + "111" + "11";

  it("are skipped and sent in turn, less what they are at least", () => {
    expect(support(payload([0x40, 2, 2, 1], bits, [1, 2, 3, 4, 5]), 14)).toEqual([5, 6, 7, 12, 13]);
  });

  it("may not leave the vector", () => {
    for (const length of [2, 6, 12, 13])
      expect(wireErrorCode(() => support(payload([0x40, 2, 2, 1], bits, [1, 2, 3, 4, 5]), length))).toBe(
        "bad-positions",
      );
    expect(wireErrorCode(() => support(payload([0x40, 1, 0, 0], "0".repeat(4000), []), 100))).toBe(
      "bad-positions",
    );
  });

  it("take no memory for positions whose values are not there", () => {
    // One run of 2^30 - 1: gap 0 is 1, and 2^30 - 2 with parameter 24 is 63 zeros, a one and 24 bits.
    const run = payload([0x40, 1, 0, 24], `1${"0".repeat(63)}10${"1".repeat(23)}`, []);
    expect(wireErrorCode(() => support(run, 2 ** 30))).toBe("truncated");
  });

  it("are the shortest for whole rows", () => {
    const rows = Uint32Array.from({ length: 900 }, (_, i) => 300 * (7 * Math.floor(i / 300) + 2) + (i % 300));
    const { id, headBytes, bits: numBits } = shortestPositions(rows, 6000);
    expect(id).toBe(4);
    expect(8 * headBytes + numBits).toBeLessThan(100);
  });
});

describe("Elias-Fano positions", () => {
  it("are the low bits of all, then the high parts in unary", () => {
    // of 40 coordinates 4: 3 low bits; 3 = 0|110, 4 = 0|001, 17 = 2|100, 38 = 4|011
    const bytes = payload([0x50, 4], "110" + "001" + "100" + "011" + "1" + "1" + "001" + "001", [1, 2, 3, 4]);
    expect(support(bytes, 40)).toEqual([3, 4, 17, 38]);
    expect(wireErrorCode(() => support(bytes, 38))).toBe("bad-positions");
  });

  it("rise strictly", () => {
    expect(wireErrorCode(() => support(payload([0x50, 2], "01" + "01" + "1" + "1", [1, 2]), 8))).toBe(
      "bad-positions",
    );
    expect(wireErrorCode(() => support(payload([0x50, 2], "01" + "10" + "1" + "1", [1, 2]), 8))).toBe(
      "bad-positions",
    );
  });
});

describe("positions from a seed", () => {
  it("are as many as asked for, rising, and every coordinate equally often", () => {
    const hits = new Uint32Array(70);
    for (let seed = 0; seed < 7000; seed++) {
      const drawn = drawPositions(seed, 20, 70);
      expect(new Set(drawn).size).toBe(20);
      expect([...drawn]).toEqual([...drawn].sort((a, b) => a - b));
      for (const position of drawn) hits[position]!++;
    }
    // 2,000 each, with a standard deviation of 38
    expect(Math.min(...hits)).toBeGreaterThan(2000 - 5 * 38);
    expect(Math.max(...hits)).toBeLessThan(2000 + 5 * 38);
    expect([...drawPositions(1, 5, 5)]).toEqual([0, 1, 2, 3, 4]);
  });

  it("follow from Floyd's algorithm, by hand", () => {
    // The words of seed 1 are 0x5e2d1772, 0 modulo 6; 0x14e498f0, 1 modulo 7; 0xd20ea1fd, 5 modulo 8.
    expect([...drawPositions(1, 3, 8)]).toEqual([0, 1, 5]);
    // Modulo 2, 3 and 4 they are 0, 1 and 1, which was taken.
    expect([...drawPositions(1, 3, 4)]).toEqual([0, 1, 3]);
  });

  it("may stand for zeros, which take them off the support", () => {
    const [first, second] = drawPositions(9, 2, 100);
    const bytes = payload([0x30, 9, 0, 0, 0, 2], "", [0, 2]);
    expect(support(bytes, 100)).toEqual([second]);
    expect(support(payload([0x30, 9, 0, 0, 0, 2], "", [2, -0]), 100)).toEqual([first]);
  });
});

describe("positions in blocks", () => {
  it("are the place of every block's choice among all, by hand", () => {
    // 2 of 4: {2, 3} is C(2, 1) + C(3, 2) = 5 of 6; the last block of 2 has one choice and takes no bits
    expect(support(payload([0x60, 2, 4], "101", [1, 2, 3, 4]), 6)).toEqual([2, 3, 4, 5]);
    expect(support(payload([0x60, 2, 4], "000", [1, 2, 3, 4]), 6)).toEqual([0, 1, 4, 5]);
    expect(support(payload([0x60, 2, 4], "101", [1, 2, 0, 4]), 6)).toEqual([2, 3, 5]);
    for (const choice of ["011", "111"])
      expect(wireErrorCode(() => support(payload([0x60, 2, 4], choice, [1, 2, 3, 4]), 6))).toBe(
        "bad-positions",
      );
  });

  it("come back, every choice of every size", () => {
    for (let of = 2; of <= 24; of += 1)
      for (let keep = 1; keep < of; keep++) {
        const rng = derive(of, "block", keep);
        const length = 3 * of + (of >> 1);
        const vector = Float32Array.from({ length }, () => rng.uniform() + 1);
        const { sent } = codec({ select: { blocks: { keep, of } }, values: "float32" }).encode(vector, 0);
        const positions = sent.support!;
        const { headBytes, bits, writeHead, writePositions } = blockPositions(positions, length, {
          keep,
          of,
        });
        const head = byteWriter();
        writeHead(head);
        const bytes = new Uint8Array(Math.ceil(bits / 8));
        const writer = bitWriter(bytes);
        writePositions(writer);
        writer.flush();
        expect(head.written().length).toBe(headBytes);
        const reader = readBlockPositions(byteReader(head.written(), ""), length);
        expect(reader.leastBits).toBe(bits);
        expect(reader.read(bitReader(bytes, "bits"), "bits", () => {})).toEqual(positions);
      }
  });
});

describe("positions", () => {
  it("claim no memory that the bytes cannot fill, where each takes a bit", () => {
    const length = 2 ** 30;
    const many = [0xff, 0xff, 0xff, 0x7f]; // 2^28 - 1
    for (const bytes of [
      [0x32, 1, 0, 0, 0, ...many, 0, 0, 0x80, 0x3f, 0xff], // seed
      [0x42, ...many, 0, 0, 0, 0, 0x80, 0x3f, 0xff], // runs
      [0x52, ...many, 0, 0, 0x80, 0x3f, 0xff], // elias-fano
      [0x62, 1, 2, 0, 0, 0x80, 0x3f, 0xff], // blocks
      [0x92, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x04, 1, ...many, 0, 0, 0, 0x80, 0x3f, 0xff], // units, by their list
      [0x92, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x04, 1, 0, 0, 0x80, 0x3f, 0xff], // and by their bitmap
      [0x92, 0, 0, 1, 0x80, 0x80, 0x80, 0x80, 0x04, 1, 0, 0, 0, 0x80, 0x3f, 0xff], // and one unit of everything
    ])
      expect(wireErrorCode(() => support(Uint8Array.from(bytes), length))).toBe("truncated");
  });

  it("are written in the shortest way", () => {
    const every = (step: number) => Uint32Array.from({ length: Math.ceil(1000 / step) }, (_, i) => i * step);
    expect(shortestPositions(null, 1000).id).toBe(0);
    const drawn = (density: number) => {
      const rng = derive(9, "support", density);
      return Uint32Array.from({ length: 1000 }, (_, i) => i).filter(() => rng.uniform() < density);
    };
    expect(shortestPositions(drawn(0.5), 1000).id).toBe(2);
    expect(shortestPositions(drawn(0.02), 1000).id).toBe(1);
    expect(shortestPositions(every(2), 1000).id).toBe(7); // learns that each gap is one
    expect(shortestPositions(Uint32Array.of(3, 4, 17, 38), 40).id).toBe(5); // no byte for a parameter
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
          0,
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
    for (const coders of [0x0f, 0xf0, 0xb0, 0x09])
      expect(wireErrorCode(() => support(Uint8Array.of(coders, 1, 1, 1), 5))).toBe("bad-codec");
  });
});
