import type { Distances } from "./distance.ts";

/** Krum needs an honest majority among any update's nearest: n ≥ 2f + 3. */
export const fewestForKrum = (attackers: number): number => 2 * attackers + 3;

/** Whose distances of `count` updates make up a score: the n - f - 2 nearest of the others, but one at least. */
export const numNearest = (count: number, attackers: number): number =>
  Math.min(count - 1, Math.max(1, count - attackers - 2));

/** Of each of n updates the sum of its squared distances from its nearest among them; 0 for a single update. */
export function krumScores(n: number, distances: Distances, attackers: number): readonly number[] {
  const row = new Float64Array(Math.max(0, n - 1));
  return Array.from({ length: n }, (_, i) => {
    for (let k = 0; k < row.length; k++) row[k] = distances(i, k < i ? k : k + 1);
    return sumOf(row.sort(), numNearest(n, attackers));
  });
}

export function sumOf(sorted: Float64Array, count: number): number {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += sorted[k]!;
  return sum;
}
