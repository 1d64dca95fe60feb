import type { Params } from "../../model/tensor.ts";
import { clipFactor } from "./clip.ts";
import { coveredBy, zeroParams } from "./coverage.ts";
import { distancesFrom, squaredDistance } from "./distance.ts";
import { median } from "./median.ts";
import type { RobustRule } from "./rule.ts";
import { sumsBytes, weighted, weightedMean } from "./weighted.ts";

/** The paper finds three enough to learn with. */
const MAX_PASSES = 24;

/**
 * The point with the least sum of distances from all updates, by smoothed Weiszfeld passes: v ← Σ wᵢ·δᵢ / Σ wᵢ with
 * wᵢ = 1 / max(ν, ‖δᵢ - v‖) (Pillutla et al., "Robust Aggregation for Federated Learning", 2022: RFA). They begin at
 * the mean of the updates clipped to their median norm, so that a huge one costs no passes, and end when v moves by
 * less than a thousandth of the median distance; ν is a millionth of that.
 *
 * Payloads are read as full of zeros, and a coordinate is averaged over its owners: the weights are near each other for
 * updates of about one length, so that what is applied under error feedback is about what the mean would apply.
 */
export const geometricMedian: RobustRule = {
  fewest: (attackers) => 2 * attackers + 1,
  leastBytes: ({ coordinates, masked }) => sumsBytes(coordinates, masked),
  combine: (updates, { manifest }) => {
    const zero = zeroParams(manifest);
    const covered = coveredBy(updates, manifest);
    const distances = (from: Params) => distancesFrom(from, updates, manifest).map(Math.sqrt);
    const norms = distances(zero);
    const factors = norms.map((norm) => clipFactor(norm, median(norms)));
    let centre = weighted(zero, updates, factors, (_, sum, __, owners) => sum / owners);
    for (let pass = 0; pass < MAX_PASSES; pass++) {
      const far = distances(centre);
      const typical = median(far);
      if (typical === 0) break; // half of them are there
      const weights = far.map((d) => typical / Math.max(d, 1e-6 * typical));
      const next = weightedMean(zero, updates, weights);
      const moved = Math.sqrt(squaredDistance(centre, next));
      centre = next;
      if (moved < 1e-3 * typical) break;
    }
    return { delta: centre, covered };
  },
};
