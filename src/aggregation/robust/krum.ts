import { coveredBy, zeroParams } from "./coverage.ts";
import { distancesBytes, pairwiseDistances } from "./distance.ts";
import { fewestForKrum, krumScores } from "./krum-scores.ts";
import type { RobustRule } from "./rule.ts";
import { sumsBytes, weightedMean } from "./weighted.ts";

/**
 * The one update that lies nearest to its n - f - 2 nearest neighbours (Blanchard et al., "Machine Learning with
 * Adversaries: Byzantine Tolerant Gradient Descent", 2017). What all others sent counts for nothing, though their
 * clients take it for folded: under error feedback it is lost.
 */
export const krum: RobustRule = meanOfBest(() => 1);

/**
 * The mean of the n - f - 2 updates with the best Krum scores, as many as are proven safe (El-Mhamdi et al., "Fast and
 * Robust Distributed Learning in High Dimension", 2020); senders over owners among them.
 */
export const multiKrum: RobustRule = meanOfBest((n, attackers) => n - attackers - 2);

function meanOfBest(howMany: (n: number, attackers: number) => number): RobustRule {
  return {
    fewest: fewestForKrum,
    leastBytes: (round) => Math.max(distancesBytes(round), sumsBytes(round.coordinates, round.masked)),
    combine: (updates, { manifest, attackers, bytes }) => {
      const everybody = [...updates.keys()];
      const distances = pairwiseDistances(updates, manifest, bytes);
      const scores = krumScores(updates.length, distances, attackers);
      // the sort is stable: of equal scores the first client's is the better
      const best = [...everybody].sort((a, b) => scores[a]! - scores[b]!);
      const kept = best.slice(0, howMany(updates.length, attackers)).sort((a, b) => a - b);
      const trusted = kept.map((i) => updates[i]!);
      const equally = trusted.map(() => 1);
      return {
        delta: weightedMean(zeroParams(manifest), trusted, equally),
        covered: coveredBy(trusted, manifest),
      };
    },
  };
}
