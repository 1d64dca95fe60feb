import type { Distances } from "./distance.ts";
import { numNearest, sumOf } from "./krum-scores.ts";

/**
 * Krum, again and again, each time without those that it picked before: `count` of n updates, in rising order; of equal
 * scores the first client's is the better.
 *
 * Everybody's distances are sorted once, and who is picked leaves the rows of all others, so that a pick costs additions
 * only. The sums are taken anew: a huge distance that is subtracted would leave its rounding behind.
 */
export function krumPicks(
  n: number,
  count: number,
  distances: Distances,
  attackers: number,
): readonly number[] {
  const rows = Array.from({ length: n }, (_, i) => rowOf(i, n, distances));
  const left = [...rows.keys()];
  const picked: number[] = [];
  while (picked.length < count) {
    const nearest = numNearest(left.length, attackers);
    let best = 0;
    let lowest = Infinity;
    left.forEach((i, place) => {
      const score = sumOf(rows[i]!.distances, nearest);
      if (score >= lowest) return;
      best = place;
      lowest = score;
    });
    const [pick] = left.splice(best, 1);
    picked.push(pick!);
    for (const i of left) withdraw(rows[i]!, pick!);
  }
  return picked.sort((a, b) => a - b);
}

/** Bytes of the rows. */
export const rowsBytes = (updates: number): number => 12 * updates ** 2;

/** All others, nearest first. */
interface Row {
  readonly others: Uint32Array;
  readonly distances: Float64Array;
}

function rowOf(i: number, n: number, distances: Distances): Row {
  const others = Uint32Array.from({ length: n - 1 }, (_, k) => (k < i ? k : k + 1)).sort((a, b) => {
    const [one, other] = [distances(i, a), distances(i, b)];
    return one < other ? -1 : one > other ? 1 : a - b;
  });
  return { others, distances: Float64Array.from(others, (j) => distances(i, j)) };
}

function withdraw({ others, distances }: Row, who: number): void {
  const at = others.indexOf(who);
  others.copyWithin(at, at + 1);
  distances.copyWithin(at, at + 1);
}
