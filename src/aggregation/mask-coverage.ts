import { ownedOf, unionOf } from "../model/masks.ts";
import type { Masks, Positions } from "../model/tensor.ts";

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

/** Coordinates that nobody covered for `rounds` rounds or more. */
export const overdue = (ages: Ages, rounds: number): ReadonlyMap<string, Positions> =>
  new Map(
    [...ages].map(([name, age]) => {
      const late: number[] = [];
      age?.forEach((since, at) => {
        if (since >= rounds) late.push(at);
      });
      return [name, Uint32Array.from(late)];
    }),
  );

/**
 * The cohort's masks with what is overdue added to the largest of them, so that no coordinate goes without an owner for
 * longer: masked averaging converges to a point of the whole model's loss only if every coordinate is covered, and the
 * fewer cover it the larger the error (Zhou et al., "Every parameter matters", 2023).
 */
export function includeOverdue<Id>(
  cohort: ReadonlyMap<Id, Masks>,
  late: ReadonlyMap<string, Positions>,
  sizes: ReadonlyMap<string, number>,
): ReadonlyMap<Id, Masks> {
  const owned = (masks: Masks): number =>
    [...sizes].reduce((sum, [name, size]) => sum + ownedOf(masks.get(name) ?? null, size), 0);
  let taker: Id | undefined;
  let most = -1;
  for (const [id, masks] of cohort) {
    const has = owned(masks);
    if (has > most) [taker, most] = [id, has];
  }
  return new Map(
    [...cohort].map(([id, masks]) => [
      id,
      id !== taker
        ? masks
        : new Map([...masks].map(([name, mask]) => [name, unionOf(mask, late.get(name)!, sizes.get(name)!)])),
    ]),
  );
}

const MOST_ROUNDS = 0xffff;
