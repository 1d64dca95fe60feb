import type { Distances } from "./distance.ts";

/** Krum needs an honest majority among any update's nearest: n ≥ 2f + 3. */
export const fewestForKrum = (attackers: number): number => 2 * attackers + 3;

/** The scores of some of the updates, as if there were no others, in their order. */
export type KrumScores = (members: readonly number[]) => readonly number[];

/**
 * Of every member the sum of its squared distances from its n - f - 2 nearest among them, at least one; 0 for a single
 * one. All are sorted by their distance once, so that who asks again for fewer members, as Bulyan does n - 2f times,
 * pays additions only: sums that are taken anew are right to the bit, where subtracting a huge distance would not be.
 */
export function krumScores(n: number, distances: Distances, attackers: number): KrumScores {
  const nearest = Array.from({ length: n }, (_, i) =>
    Uint32Array.from({ length: n }, (__, j) => j).sort((a, b) => {
      const [one, other] = [distances(i, a), distances(i, b)];
      return one < other ? -1 : one > other ? 1 : a - b;
    }),
  );
  return (members) => {
    const isMember = new Uint8Array(n);
    for (const i of members) isMember[i] = 1;
    const neighbours = Math.min(members.length - 1, Math.max(1, members.length - attackers - 2));
    return members.map((i) => {
      const others = nearest[i]!;
      let sum = 0;
      for (let k = 0, left = neighbours; left > 0; k++) {
        const j = others[k]!;
        if (j === i || isMember[j] === 0) continue;
        sum += distances(i, j);
        left--;
      }
      return sum;
    });
  };
}
