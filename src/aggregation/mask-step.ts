import type { Manifest } from "../model/manifest.ts";
import type { Masks, Params, Positions } from "../model/tensor.ts";
import type { Ages } from "./mask-coverage.ts";
import { type Ballot, type MaskPolicy, nextMasks, type Uncovered } from "./mask-policy.ts";
import { boundedDrift, type Regrow, regrown, regrowShare } from "./mask-regrow.ts";
import type { Votes } from "./votes.ts";

/** How the masks of the global model come about. */
export interface MaskRules {
  readonly policy: MaskPolicy;
  readonly uncovered: Uncovered;
  /** Versions from one decision to the next. */
  readonly everyRounds: number;
  /** Of a tensor's coordinates, those that may come and those that may leave at a decision; null: any. */
  readonly maxDrift: number | null;
  /** Null: what was dropped never comes back. */
  readonly regrow: Regrow | null;
}

/** Leaves masks alone. */
export const isIdle = ({ policy, uncovered }: MaskRules): boolean =>
  policy === "union" && uncovered === "keep";

/**
 * Whether clients train what the model does not own too, on the way to this version: growth needs to know what
 * coordinates outside of the masks would do.
 */
export const isExploring = ({ regrow, everyRounds }: MaskRules, version: number): boolean =>
  regrow !== null && version % everyRounds === 0;

export interface Decision {
  /** The version that is about to be. */
  readonly version: number;
  /** Null: all of the model. */
  readonly masks: Masks | null;
  readonly ages: Ages;
  readonly manifest: Manifest;
  readonly votes: Votes;
  /** The model after the round's step. */
  readonly params: Params;
  /** The round's mean delta. */
  readonly delta: Params;
}

/** The masks of the version that is about to be; null: all of it. */
export function masksAfter(rules: MaskRules, decision: Decision): Masks | null {
  const { version, masks } = decision;
  if (version % rules.everyRounds !== 0) return masks;
  const next =
    masks !== null && rules.regrow !== null
      ? exchanged(masks, regrowShare(rules.regrow, version), decision)
      : decided(rules, decision);
  return [...next.values()].every((mask) => mask === null) ? null : next;
}

const exchanged = (masks: Masks, share: number, { params, delta }: Decision): Masks =>
  new Map(
    [...masks].map(([name, mask]) => [
      name,
      regrown(mask, params.get(name)!.data, delta.get(name)!.data, share),
    ]),
  );

function decided(
  rules: MaskRules,
  { masks, manifest, votes: { owners, total }, params, ages }: Decision,
): Masks {
  const maskOf = (name: string): Positions | null => masks?.get(name) ?? null;
  const ballots = manifest.tensors.map(({ name, shape }, i): readonly [string, Ballot] => {
    const votes = owners[i]!;
    const values = params.get(name)!.data;
    return [name, { shape, votes, total, values, mask: maskOf(name), age: ages.get(name) ?? null }];
  });
  const wanted = nextMasks(rules.policy, rules.uncovered, new Map(ballots));
  const { maxDrift } = rules;
  if (maxDrift === null) return wanted;
  return new Map(
    ballots.map(([name, { values }]) => {
      const most = Math.floor(maxDrift * values.length);
      return [name, boundedDrift(maskOf(name), wanted.get(name)!, values, most)];
    }),
  );
}
