import fc from "fast-check";
import { expect, test } from "vitest";
import { bitReader, bitWriter } from "../../../src/compress/bits.ts";
import {
  type Frequencies,
  frequenciesOf,
  frequencyBits,
  ransBits,
  ransEncode,
  readFrequencies,
  readRans,
  writeFrequencies,
  writeRans,
} from "../../../src/compress/entropy/rans.ts";
import { WireError } from "../../../src/model/error.ts";
import { derive } from "../../../src/model/rng.ts";

function countsOf(symbols: Uint8Array, alphabet: number): number[] {
  const counts = new Array<number>(alphabet).fill(0);
  for (const symbol of symbols) counts[symbol]! += 1;
  return counts;
}

function encode(symbols: Uint8Array, frequencies: Frequencies): Uint8Array {
  const code = ransEncode(symbols, frequencies);
  const bytes = new Uint8Array(ransBits(code) / 8);
  writeRans(bitWriter(bytes), code);
  return bytes;
}

function decode(bytes: Uint8Array, frequencies: Frequencies, count: number): Uint8Array {
  const reader = bitReader(bytes, "symbols");
  const symbols = readRans(reader, frequencies, count, "symbols");
  reader.end();
  return symbols;
}

const message = fc.integer({ min: 1, max: 256 }).chain((alphabet) =>
  fc.record({
    alphabet: fc.constant(alphabet),
    symbols: fc.uint8Array({ min: 0, max: alphabet - 1, minLength: 1, maxLength: 600 }),
  }),
);

test("what was encoded is decoded", () => {
  fc.assert(
    fc.property(message, ({ symbols, alphabet }) => {
      const frequencies = frequenciesOf(countsOf(symbols, alphabet));
      const bytes = encode(symbols, frequencies);
      expect(decode(bytes, frequencies, symbols.length)).toEqual(symbols);
    }),
    { numRuns: 500 },
  );
});

test("frequencies add up to 4096, and every symbol that is there gets a share", () => {
  fc.assert(
    fc.property(
      fc
        .array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1e9 })), { minLength: 1, maxLength: 256 })
        .filter((counts) => counts.some((n) => n > 0)),
      (counts) => {
        const frequencies = frequenciesOf(counts);
        expect(frequencies.reduce((sum, f) => sum + f, 0)).toBe(4096);
        counts.forEach((n, symbol) => {
          expect(frequencies[symbol]! > 0).toBe(n > 0);
        });
      },
    ),
  );
});

test("frequencies by hand", () => {
  expect([...frequenciesOf([1, 3])]).toEqual([1024, 3072]);
  expect([...frequenciesOf([0, 9])]).toEqual([0, 4096]);
  expect([...frequenciesOf([1, 1, 1])]).toEqual([1366, 1365, 1365]);
  expect([...frequenciesOf([1, 100_000])]).toEqual([1, 4095]);
});

test("pinned bytes: ten symbols at three to one", () => {
  const symbols = Uint8Array.of(1, 1, 0, 1, 1, 1, 0, 1, 1, 1);
  expect(Buffer.from(encode(symbols, Uint16Array.of(1024, 3072))).toString("hex")).toBe("00442600004c0400");
});

test("within 1 % of the entropy, the table included", () => {
  const rng = derive(2, "rans");
  // a discrete bell, as 8-bit codes of weights have
  const symbols = Uint8Array.from({ length: 100_000 }, () => {
    let sum = 0;
    for (let i = 0; i < 6; i++) sum += rng.below(43);
    return sum;
  });
  const counts = countsOf(symbols, 256);
  const entropy = counts.reduce((sum, n) => (n === 0 ? sum : sum - n * Math.log2(n / symbols.length)), 0);
  const frequencies = frequenciesOf(counts);
  const bits = ransBits(ransEncode(symbols, frequencies)) + frequencyBits(frequencies);
  expect(bits / entropy).toBeLessThan(1.01);
});

test("tables are written in as many bits as they say, and read back", () => {
  fc.assert(
    fc.property(message, ({ symbols, alphabet }) => {
      const frequencies = frequenciesOf(countsOf(symbols, alphabet));
      const bytes = new Uint8Array(Math.ceil(frequencyBits(frequencies) / 8));
      const writer = bitWriter(bytes);
      writeFrequencies(writer, frequencies);
      writer.flush();
      const reader = bitReader(bytes, "table");
      expect(readFrequencies(reader, alphabet, "table")).toEqual(frequencies);
      reader.end();
    }),
  );
});

test("any bytes decode or throw WireError", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: 0, max: 200 }),
      (table, bytes, count) => {
        try {
          const frequencies = readFrequencies(bitReader(table, "table"), 16, "table");
          expect(frequencies.reduce((sum, f) => sum + f, 0)).toBe(4096);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
        try {
          expect(decode(bytes, Uint16Array.of(1024, 3072), count)).toHaveLength(count);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      },
    ),
  );
});

test("a flipped bit, a byte less and a byte more are noticed", () => {
  const symbols = Uint8Array.from({ length: 200 }, (_, i) => (i % 5 === 0 ? 0 : 1));
  const frequencies = frequenciesOf([40, 160]);
  const bytes = encode(symbols, frequencies);
  const read = (changed: Uint8Array) => decode(changed, frequencies, 200);
  expect(() => read(bytes.subarray(0, -2))).toThrow(WireError);
  expect(() => read(Uint8Array.of(...bytes, 7, 7))).toThrow(WireError);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    // a state's end proves the whole way there: another message ends elsewhere
    expect(() => read(flipped)).toThrow(WireError);
  }
});
