import fc from "fast-check";
import { expect, test } from "vitest";
import { binContexts, rangeDecoder, rangeEncoder } from "../../src/kernels/range-coder.ts";
import { derive } from "../../src/model/rng.ts";

const NUM_CONTEXTS = 4;
type Bin = readonly [bit: number, context: number];
const bin: fc.Arbitrary<Bin> = fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 3 }));

function encode(bins: readonly Bin[]): Uint8Array {
  const contexts = binContexts(NUM_CONTEXTS);
  const encoder = rangeEncoder();
  for (const [bit, context] of bins) encoder.encode(bit, contexts, context);
  return encoder.finish();
}

function decode(bytes: Uint8Array, order: readonly number[]): number[] {
  const contexts = binContexts(NUM_CONTEXTS);
  const decoder = rangeDecoder(bytes);
  const bits = order.map((context) => decoder.decode(contexts, context));
  expect(decoder.taken()).toBeGreaterThanOrEqual(bytes.length);
  return bits;
}

const skewed = (count: number, probability: number): Bin[] => {
  const rng = derive(3, "bins", count, probability);
  return Array.from({ length: count }, () => [rng.uniform() < probability ? 1 : 0, 0]);
};

test("what was encoded is decoded, whatever the contexts", () => {
  fc.assert(
    fc.property(fc.array(bin, { maxLength: 400 }), (bins) => {
      expect(
        decode(
          encode(bins),
          bins.map(([, context]) => context),
        ),
      ).toEqual(bins.map(([bit]) => bit));
    }),
    { numRuns: 500 },
  );
});

test("carries run through any number of bytes", () => {
  // long runs of the improbable bin push low to the top of its range
  for (const probability of [0.0005, 0.5, 0.9995])
    for (const count of [1, 7, 20_000]) {
      const bins = skewed(count, probability);
      expect(
        decode(
          encode(bins),
          bins.map(() => 0),
        ),
      ).toEqual(bins.map(([bit]) => bit));
    }
});

test("the first byte may be 255, and so may all that follow", () => {
  for (let count = 1; count <= 64; count++) {
    const contexts = binContexts(count);
    const encoder = rangeEncoder();
    // each bin halves what is left at the top
    for (let i = 0; i < count; i++) encoder.encode(i === count - 1 ? 1 : 0, contexts, i);
    const bytes = encoder.finish();
    const fresh = binContexts(count);
    const decoder = rangeDecoder(bytes);
    for (let i = 0; i < count; i++) expect(decoder.decode(fresh, i)).toBe(i === count - 1 ? 1 : 0);
    expect(decoder.taken()).toBeGreaterThanOrEqual(bytes.length);
    if (count > 9) expect(bytes[0]).toBe(255);
  }
});

test("nothing costs nothing, and a long run of zeros next to nothing", () => {
  expect(encode([])).toEqual(new Uint8Array(0));
  expect(encode(skewed(100_000, 0)).length).toBeLessThan(16);
});

test("pinned bytes: eight bins of one context", () => {
  expect(Buffer.from(encode([0, 0, 1, 0, 0, 0, 0, 1].map((bit) => [bit, 0]))).toString("hex")).toBe("9d");
});

test.each([0.001, 0.01, 0.1, 0.3])("within 1 % of the entropy at p = %s", (probability) => {
  const count = 200_000;
  const bins = skewed(count, probability);
  const ones = bins.filter(([bit]) => bit === 1).length / count;
  const entropy = -ones * Math.log2(ones) - (1 - ones) * Math.log2(1 - ones);
  expect((8 * encode(bins).length) / (count * entropy)).toBeLessThan(1.01);
});

test("any bytes decode to as many bins as asked for, and what was not taken shows", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 0, max: 300 }), (bytes, count) => {
      const decoder = rangeDecoder(bytes);
      const contexts = binContexts(NUM_CONTEXTS);
      for (let i = 0; i < count; i++) expect([0, 1]).toContain(decoder.decode(contexts, i % 4));
      expect(decoder.taken()).toBeGreaterThanOrEqual(4);
    }),
  );
  const decoder = rangeDecoder(Uint8Array.of(...encode(skewed(100, 0.3)), 1, 1, 1, 1, 1));
  const contexts = binContexts(NUM_CONTEXTS);
  for (let i = 0; i < 100; i++) decoder.decode(contexts, 0);
  expect(decoder.taken()).toBeLessThan(encode(skewed(100, 0.3)).length + 5);
});
