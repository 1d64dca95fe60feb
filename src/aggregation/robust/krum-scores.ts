import type { Distances } from "./distance.ts";

/** Krum needs an honest majority among any update's nearest: n ≥ 2f + 3. */
export const fewestForKrum = (attackers: number): number => 2 * attackers + 3;

/**
 * Of each of these updates the sum of its squared distances from its n - f - 2 nearest among them, at least one;
 * 0 for a single update.
 */
export function krumScores(
  members: readonly number[],
  distances: Distances,
  attackers: number,
): readonly number[] {
  const neighbours = Math.max(1, members.length - attackers - 2);
  return members.map((i) => {
    const sorted = Float64Array.from(
      members.filter((j) => j !== i),
      (j) => distances(i, j),
    ).sort();
    return sorted.subarray(0, neighbours).reduce((sum, d) => sum + d, 0);
  });
}
