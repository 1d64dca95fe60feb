import { ownedParams } from "../../model/masks.ts";
import { clipFactor } from "./clip.ts";
import { coveredBy, zeroParams } from "./coverage.ts";
import { distancesFrom } from "./distance.ts";
import { median } from "./median.ts";
import type { RobustRule } from "./rule.ts";
import { sumsBytes, weighted } from "./weighted.ts";

export interface CenteredClippingSettings {
  /** How far one client can pull, as a norm; auto is the median distance of the round's updates. */
  readonly radius: number | "auto";
  /** Passes, 1 to 3. */
  readonly iterations: number;
}

/**
 * v ← v + mean of (δᵢ - v)·min(1, τ / ‖δᵢ - v‖), from the last round's aggregate (Karimireddy et al., "Learning from
 * History for Byzantine Robust Optimization", 2021). Payloads are read as full of zeros, the mean goes over the
 * owners, so that it keeps its meaning under error feedback: with no update beyond the radius it is the plain mean.
 */
export const centeredClipping = ({ radius, iterations }: CenteredClippingSettings): RobustRule => ({
  fewest: (attackers) => 2 * attackers + 1,
  leastBytes: ({ coordinates, masked }) => sumsBytes(coordinates, masked),
  combine: (updates, { manifest, previous }) => {
    const covered = coveredBy(updates, manifest);
    let centre = previous === null ? zeroParams(manifest) : ownedParams(previous, covered);
    for (let i = 0; i < iterations; i++) {
      const distances = distancesFrom(centre, updates, manifest).map(Math.sqrt);
      const bound = radius === "auto" ? median(distances) : radius;
      const factors = distances.map((distance) => clipFactor(distance, bound));
      centre = weighted(
        centre,
        updates,
        factors,
        (v, sum, factor, owners) => v + (sum - factor * v) / owners,
      );
    }
    return { delta: centre, covered };
  },
});
