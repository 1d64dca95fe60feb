import { coveredBy } from "./coverage.ts";
import { holdersBytes, overHolders } from "./holders.ts";
import type { RobustRule } from "./rule.ts";

/**
 * The mean of each coordinate without its f largest and f smallest values (Yin et al., 2018), over its holders if
 * they are at least 2f + 1. Times holders over owners; a coordinate with fewer holders keeps its value.
 */
export const trimmedMean: RobustRule = {
  fewest: (attackers) => 2 * attackers + 1,
  leastBytes: holdersBytes,
  combine: (updates, { manifest, attackers, bytes }) => ({
    delta: overHolders(updates, manifest, 2 * attackers + 1, bytes, (sorted) =>
      meanWithout(sorted, attackers),
    ),
    covered: coveredBy(updates, manifest),
  }),
};

function meanWithout(sorted: Float32Array, atEachEnd: number): number {
  let sum = 0;
  for (let i = atEachEnd; i < sorted.length - atEachEnd; i++) sum += sorted[i]!;
  return sum / (sorted.length - 2 * atEachEnd);
}
