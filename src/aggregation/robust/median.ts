import { coveredBy } from "./coverage.ts";
import { holdersBytes, overHolders } from "./holders.ts";
import type { RobustRule } from "./rule.ts";

/**
 * The median of each coordinate (Yin et al., "Byzantine-Robust Distributed Learning: Towards Optimal Statistical
 * Rates", 2018), over its holders if they are at least 2f + 1: then it lies between values of honest clients. Times
 * holders over owners; a coordinate with fewer holders keeps its value.
 */
export const coordinateMedian: RobustRule = {
  fewest: (attackers) => 2 * attackers + 1,
  leastBytes: holdersBytes,
  combine: (updates, { manifest, attackers, bytes }) => ({
    delta: overHolders(updates, manifest, 2 * attackers + 1, bytes, medianOf),
    covered: coveredBy(updates, manifest),
  }),
};

/** Of sorted numbers, one or more; the mean of the middle two when they are even in number. */
export function medianOf(sorted: ArrayLike<number>): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

export const median = (values: readonly number[]): number => medianOf(Float64Array.from(values).sort());
