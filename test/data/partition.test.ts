import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MIN_EXAMPLES, type Partition, partition } from "../../src/data/partition.ts";
import { ConfigError } from "../../src/model/error.ts";

const labelsOf = (numRows: number, numClasses: number): Int32Array =>
  Int32Array.from({ length: numRows }, (_, i) => (i * 7) % numClasses);

/** Mean over clients of the share that a client's commonest class has in it. */
function skew(shares: readonly Uint32Array[], labels: Int32Array, numClasses: number): number {
  const tops = shares.map((rows) => {
    const counts = Array<number>(numClasses).fill(0);
    for (const row of rows) counts[labels[row]!]!++;
    return Math.max(...counts) / rows.length;
  });
  return tops.reduce((sum, top) => sum + top, 0) / tops.length;
}

describe("partition", () => {
  it("deals every row exactly once and leaves no client short, however skewed", () => {
    const how = fc.oneof(
      fc.constant<Partition>("iid"),
      fc.constantFrom(1e-4, 0.01, 0.1, 0.5, 1, 3, 1000).map((dirichlet): Partition => ({ dirichlet })),
    );
    fc.assert(
      fc.property(
        how,
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 60, max: 400 }),
        fc.nat(),
        (p, n, rows, s) => {
          const shares = partition(labelsOf(rows, 5), 5, n, p, s);
          expect(shares).toHaveLength(n);
          expect(shares.flatMap((share) => [...share]).sort((a, b) => a - b)).toEqual([
            ...Array(rows).keys(),
          ]);
          for (const share of shares) {
            expect(share.length).toBeGreaterThanOrEqual(MIN_EXAMPLES);
            expect([...share].sort((a, b) => a - b)).toEqual([...share]);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("skews more with a smaller alpha, and comes near to even with a large one", () => {
    const labels = labelsOf(10_000, 10);
    const at = (dirichlet: number): number => skew(partition(labels, 10, 10, { dirichlet }, 3), labels, 10);
    expect(at(0.05)).toBeGreaterThan(at(0.5) + 0.1);
    expect(at(0.5)).toBeGreaterThan(at(100) + 0.1);
    expect(at(1e5)).toBeLessThan(0.11);
  });

  it("draws class shares with the Dirichlet's own mean and variance", () => {
    // Two clients and one class: client 0's share is Beta(a, a), mean 1/2 and variance 1 / (4 (2a + 1)).
    for (const alpha of [0.3, 1, 4]) {
      const labels = new Int32Array(1000);
      const draws = Array.from({ length: 2000 }, (_, seed) => {
        const [first] = partition(labels, 1, 2, { dirichlet: alpha }, seed);
        return first!.length / labels.length;
      });
      const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
      const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
      expect(mean).toBeCloseTo(0.5, 1);
      expect(variance / (1 / (4 * (2 * alpha + 1)))).toBeGreaterThan(0.9);
      expect(variance / (1 / (4 * (2 * alpha + 1)))).toBeLessThan(1.1);
    }
  });

  it("is decided by the seed", () => {
    const labels = labelsOf(300, 3);
    for (const how of ["iid", { dirichlet: 0.5 }] as const) {
      expect(partition(labels, 3, 4, how, 1)).toEqual(partition(labels, 3, 4, how, 1));
      expect(partition(labels, 3, 4, how, 1)).not.toEqual(partition(labels, 3, 4, how, 2));
    }
  });

  it("refuses more clients than the rows can feed", () => {
    expect(() => partition(labelsOf(9, 3), 3, 5, "iid", 1)).toThrow(ConfigError);
  });
});
