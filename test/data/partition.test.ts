import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MIN_EXAMPLES, type Partition, partition } from "../../src/data/partition.ts";
import { ConfigError } from "../../src/model/error.ts";

const labelsOf = (numRows: number, numClasses: number): Int32Array =>
  Int32Array.from({ length: numRows }, (_, i) => (i * 7) % numClasses);

/** With a group every five rows in turn. */
const dealt = (labels: Int32Array, numClasses: number) => ({
  labels,
  numClasses,
  groups: { names: [...Array(40).keys()].map(String), of: labels.map((_, row) => row % 40) },
});

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
      fc.constantFrom<Partition>("iid", "natural", { shards: 1 }, { shards: 2 }),
      fc.constantFrom(0.01, 0.5, 100).map((quantity): Partition => ({ quantity })),
      fc.constantFrom(1e-4, 0.01, 0.1, 0.5, 1, 3, 1000).map((dirichlet): Partition => ({ dirichlet })),
    );
    fc.assert(
      fc.property(
        how,
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 60, max: 400 }),
        fc.nat(),
        (p, n, rows, s) => {
          const shares = partition(dealt(labelsOf(rows, 5), 5), n, p, s);
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
    const at = (dirichlet: number): number =>
      skew(partition(dealt(labels, 10), 10, { dirichlet }, 3), labels, 10);
    expect(at(0.05)).toBeGreaterThan(at(0.5) + 0.1);
    expect(at(0.5)).toBeGreaterThan(at(100) + 0.1);
    expect(at(1e5)).toBeLessThan(0.11);
  });

  it("draws class shares with the Dirichlet's own mean and variance", () => {
    // Two clients and one class: client 0's share is Beta(a, a), mean 1/2 and variance 1 / (4 (2a + 1)).
    for (const alpha of [0.3, 1, 4]) {
      const labels = new Int32Array(1000);
      const draws = Array.from({ length: 2000 }, (_, seed) => {
        const [first] = partition(dealt(labels, 1), 2, { dirichlet: alpha }, seed);
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
    for (const how of ["iid", "natural", { dirichlet: 0.5 }, { shards: 2 }, { quantity: 1 }] as const) {
      expect(partition(dealt(labels, 3), 4, how, 1)).toEqual(partition(dealt(labels, 3), 4, how, 1));
      expect(partition(dealt(labels, 3), 4, how, 1)).not.toEqual(partition(dealt(labels, 3), 4, how, 2));
    }
  });

  it("refuses more clients than the rows can feed", () => {
    expect(() => partition(dealt(labelsOf(9, 3), 3), 5, "iid", 1)).toThrow(ConfigError);
  });

  it("gives shards of a sorted deal: hand computed", () => {
    // 12 rows of 3 classes, 3 clients, 2 shards each: 6 shards of 2 rows, so nobody has more than 2 classes
    const labels = labelsOf(12, 3);
    const shares = partition(dealt(labels, 3), 3, { shards: 2 }, 5);
    for (const share of shares) {
      expect(share).toHaveLength(4);
      expect(new Set([...share].map((row) => labels[row])).size).toBeLessThanOrEqual(2);
    }
    expect(() => partition(dealt(labels, 3), 3, { shards: 5 }, 5)).toThrow(/at most one shard a row/);
  });

  it("skews sizes but not classes by quantity", () => {
    const labels = labelsOf(10_000, 10);
    const sizes = (quantity: number) =>
      partition(dealt(labels, 10), 10, { quantity }, 3).map((rows) => rows.length);
    expect(Math.max(...sizes(0.2))).toBeGreaterThan(3000);
    expect(Math.max(...sizes(1e5))).toBeLessThan(1100);
    expect(skew(partition(dealt(labels, 10), 5, { quantity: 2 }, 3), labels, 10)).toBeLessThan(0.2);
  });

  it("keeps groups whole, one a client where there are as many", () => {
    const data = dealt(labelsOf(200, 5), 5);
    const clientsOf = (n: number) =>
      partition(data, n, "natural", 2).map((rows) => new Set([...rows].map((row) => data.groups.of[row]!)));
    expect(clientsOf(40).map((groups) => groups.size)).toEqual(Array(40).fill(1));
    const seven = clientsOf(7);
    expect(seven.reduce((sum, groups) => sum + groups.size, 0)).toBe(40); // none is divided
    expect(() => partition(data, 41, "natural", 2)).toThrow(/at most 40 clients/);
    const { groups, ...without } = data;
    expect(groups.names).toHaveLength(40);
    expect(() => partition(without, 3, "natural", 2)).toThrow(/knows whom rows come from/);
  });
});
