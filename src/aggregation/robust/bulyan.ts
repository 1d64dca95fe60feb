import { coveredBy } from "./coverage.ts";
import { distancesBytes, pairsBytes, pairwiseDistances } from "./distance.ts";
import { holdersBytes, overHolders } from "./holders.ts";
import { krumPicks, rowsBytes } from "./krum-picks.ts";
import { medianOf } from "./median.ts";
import type { RobustRule } from "./rule.ts";

/**
 * Krum, again and again, picks n - 2f updates; of these the mean of each coordinate's values that lie nearest to their
 * median, without the 2f farthest (El-Mhamdi et al., "The Hidden Vulnerability of Distributed Learning in Byzantium",
 * 2018). Over the holders among those picked, if they are at least 2f + 1, and times holders over owners.
 */
export const bulyan: RobustRule = {
  fewest: (attackers) => 4 * attackers + 3,
  leastBytes: (round) =>
    Math.max(
      distancesBytes(round),
      pairsBytes(round.updates) + rowsBytes(round.updates),
      holdersBytes(round),
    ),
  combine: (updates, { manifest, attackers, bytes }) => {
    const distances = pairwiseDistances(updates, manifest, bytes);
    const { length } = updates;
    const picked = krumPicks(length, length - 2 * attackers, distances, attackers);
    const trusted = picked.map((i) => updates[i]!);
    return {
      delta: overHolders(trusted, manifest, 2 * attackers + 1, bytes, (sorted) =>
        meanNearMedian(sorted, sorted.length - 2 * attackers),
      ),
      covered: coveredBy(trusted, manifest),
    };
  },
};

/** Of sorted values: those nearest to the median stand in a row, and the row is found from its ends. */
function meanNearMedian(sorted: Float32Array, count: number): number {
  const median = medianOf(sorted);
  let from = 0;
  let to = sorted.length;
  while (to - from > count)
    if (median - sorted[from]! > sorted[to - 1]! - median) from++;
    else to--;
  let sum = 0;
  for (let i = from; i < to; i++) sum += sorted[i]!;
  return sum / count;
}
