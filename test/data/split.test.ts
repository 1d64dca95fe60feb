import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitHoldout } from "../../src/data/split.ts";
import { ConfigError } from "../../src/model/error.ts";

const labelsOf = (counts: readonly number[]): Int32Array =>
  Int32Array.from(counts.flatMap((n, label) => Array<number>(n).fill(label)));

const histogram = (rows: Uint32Array, labels: Int32Array, numClasses: number): number[] => {
  const counts = Array<number>(numClasses).fill(0);
  for (const row of rows) counts[labels[row]!]!++;
  return counts;
};

describe("splitHoldout", () => {
  it("gives 10 % of 40 rows in two classes as two a class, though one class is rarer", () => {
    const labels = labelsOf([30, 10]);
    const { test, transfer, train } = splitHoldout(labels, 2, { test: 0.1, transfer: 0.05 }, 7);
    expect(histogram(test, labels, 2)).toEqual([2, 2]);
    expect(histogram(transfer, labels, 2)).toEqual([1, 1]);
    expect(histogram(train, labels, 2)).toEqual([27, 7]);
  });

  it("puts every row in exactly one part, balanced, and leaves the train rows to the total alone", () => {
    const counts = fc.array(fc.integer({ min: 40, max: 60 }), { minLength: 2, maxLength: 5 });
    const percent = fc.integer({ min: 5, max: 25 });
    fc.assert(
      fc.property(counts, percent, percent, fc.nat(), (sizes, test, transfer, seed) => {
        const labels = labelsOf(sizes);
        const whole = { test: test / 100, transfer: transfer / 100 };
        const split = splitHoldout(labels, sizes.length, whole, seed);
        const all = [...split.test, ...split.transfer, ...split.train].sort((a, b) => a - b);
        expect(all).toEqual(Array.from(labels.keys()));
        for (const part of [split.test, split.transfer])
          expect(new Set(histogram(part, labels, sizes.length)).size).toBe(1);
        const told = { test: Number(((test + transfer) / 100).toFixed(2)), transfer: 0 };
        expect(splitHoldout(labels, sizes.length, told, seed).train).toEqual(split.train);
      }),
      { numRuns: 100 },
    );
  });

  it("draws other rows with another seed", () => {
    const labels = labelsOf([100, 100]);
    const split = (seed: number) => splitHoldout(labels, 2, { test: 0.1, transfer: 0 }, seed).test;
    expect(split(1)).toEqual(split(1));
    expect(split(1)).not.toEqual(split(2));
  });

  it("refuses a class that is too rare and a share that rounds to nothing", () => {
    const split = (counts: number[], test: number) =>
      splitHoldout(labelsOf(counts), 2, { test, transfer: 0 }, 1);
    expect(() => split([95, 5], 0.2)).toThrow(ConfigError);
    expect(() => split([95, 5], 0.2)).toThrow(/class 1/);
    expect(() => split([10, 10], 0.01)).toThrow(/at least one/);
  });
});
