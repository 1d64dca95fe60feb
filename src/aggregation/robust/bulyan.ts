import { coveredBy } from "./coverage.ts";
import { type Distances, pairwiseDistances } from "./distance.ts";
import { overHolders } from "./holders.ts";
import { krumScores } from "./krum-scores.ts";
import { medianOf } from "./median.ts";
import type { RobustRule } from "./rule.ts";

/**
 * Krum, again and again, picks n - 2f updates; of these the mean of each coordinate's values that lie nearest to their
 * median, without the 2f farthest (El-Mhamdi et al., "The Hidden Vulnerability of Distributed Learning in Byzantium",
 * 2018). Over the holders among those picked, if they are at least 2f + 1, and times holders over owners.
 */
export const bulyan: RobustRule = {
  fewest: (attackers) => 4 * attackers + 3,
  pairwise: true,
  combine: (updates, { manifest, attackers }) => {
    const distances = pairwiseDistances(updates, manifest);
    const picked = pick(updates.length, updates.length - 2 * attackers, distances, attackers);
    const trusted = picked.map((i) => updates[i]!);
    return {
      delta: overHolders(trusted, manifest, 2 * attackers + 1, (sorted) =>
        meanNearMedian(sorted, sorted.length - 2 * attackers),
      ),
      covered: coveredBy(trusted, manifest),
    };
  },
};

function pick(n: number, count: number, distances: Distances, attackers: number): readonly number[] {
  let left = [...Array(n).keys()];
  const picked: number[] = [];
  while (picked.length < count) {
    const scores = krumScores(left, distances, attackers);
    const best = left[scores.indexOf(Math.min(...scores))]!;
    picked.push(best);
    left = left.filter((i) => i !== best);
  }
  return picked.sort((a, b) => a - b);
}

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
