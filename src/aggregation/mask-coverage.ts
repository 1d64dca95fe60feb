import type { Masks } from "../model/tensor.ts";

/** Rounds since somebody who reported owned the coordinate, by tensor; null when none is above zero. */
export type Ages = ReadonlyMap<string, Uint16Array | null>;

/**
 * The ages after a round whose reporters owned `covered` of the coordinates of `masks`. What is not in the model has no
 * age.
 */
export function agesAfter(
  ages: Ages,
  covered: Masks,
  masks: Masks,
  sizes: ReadonlyMap<string, number>,
): Ages {
  return new Map(
    [...sizes].map(([name, size]) => {
      const seen = covered.get(name) ?? null;
      if (seen === null) return [name, null];
      const before = ages.get(name) ?? null;
      const next = new Uint16Array(size);
      const grow = (at: number): void => {
        next[at] = Math.min(MOST_ROUNDS, (before?.[at] ?? 0) + 1);
      };
      const mask = masks.get(name) ?? null;
      if (mask === null) for (let at = 0; at < size; at++) grow(at);
      else mask.forEach(grow);
      for (const at of seen) next[at] = 0;
      return [name, next.some((age) => age > 0) ? next : null];
    }),
  );
}

const MOST_ROUNDS = 0xffff;
