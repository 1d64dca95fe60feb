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
  /** Updates so many median distances away count for nothing, and from half of that on for less; 2 or more, null: all count. */
  readonly cutoff: number | null;
}

/**
 * v ← v + mean of (δᵢ - v)·min(1, τ / ‖δᵢ - v‖), from the last round's aggregate (Karimireddy et al., "Learning from
 * History for Byzantine Robust Optimization", 2021). Payloads are read as full of zeros, the mean goes over the
 * owners, so that it keeps its meaning under error feedback: with no update beyond the radius it is the plain mean.
 *
 * One pass is shortened by whoever pulls the other way; further ones go on to where all pulls are in balance, as an
 * M-estimator of location has it, of which this is Huber's. With a cutoff it is Hampel's ("The Influence Curve and Its
 * Role in Robust Estimation", 1974): nobody pulls farther than the radius, and who is absurdly far away not at all.
 */
export const centeredClipping = ({ radius, iterations, cutoff }: CenteredClippingSettings): RobustRule => ({
  fewest: (attackers) => 2 * attackers + 1,
  leastBytes: ({ coordinates, masked }) => sumsBytes(coordinates, masked),
  combine: (updates, { manifest, previous }) => {
    const covered = coveredBy(updates, manifest);
    let centre = previous === null ? zeroParams(manifest) : ownedParams(previous, covered);
    for (let i = 0; i < iterations; i++) {
      const distances = distancesFrom(centre, updates, manifest).map(Math.sqrt);
      const typical = median(distances);
      const bound = radius === "auto" ? typical : radius;
      const farthest = cutoff === null ? Infinity : cutoff * typical;
      const factors = distances.map(
        (distance) => clipFactor(distance, bound) * fadeFactor(distance, farthest),
      );
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

/** 1 up to half of `farthest`, and 0 from there on. */
const fadeFactor = (distance: number, farthest: number): number =>
  distance <= farthest / 2 ? 1 : Math.max(0, 2 - (2 * distance) / farthest);
