import type { Aggregate } from "../../aggregation/aggregate.ts";
import { type Ages, agesAfter } from "../../aggregation/mask-coverage.ts";
import { isIdle, type MaskRules, masksAfter } from "../../aggregation/mask-step.ts";
import type { Votes } from "../../aggregation/votes.ts";
import type { Manifest } from "../../model/manifest.ts";
import { isSameMasks } from "../../model/masks.ts";
import { type Masks, mapParams, type Params, sizeOf } from "../../model/tensor.ts";

/** What the global model owns, and for how long nobody has covered it: a part of the book's state. */
export interface ModelMasks {
  /** Null: everything. */
  readonly masks: Masks | null;
  readonly ages: Ages;
}

export const ALL_OWNED: ModelMasks = { masks: null, ages: new Map() };

export interface Committed {
  readonly version: number;
  readonly manifest: Manifest;
  readonly votes: Votes;
  readonly aggregate: Aggregate;
  /** The model before, and the step that it is about to take. */
  readonly params: Params;
  readonly step: Params;
}

/** The masks after a round. Rules that leave them alone cost nothing. */
export function nextModelMasks(
  rules: MaskRules,
  before: ModelMasks,
  { version, manifest, votes, aggregate, params, step }: Committed,
): ModelMasks {
  if (isIdle(rules)) return before;
  const sizes = new Map(manifest.tensors.map(({ name, shape }) => [name, sizeOf(shape)]));
  const everything = new Map([...sizes.keys()].map((name) => [name, null]));
  const ages = agesAfter(before.ages, aggregate.covered, before.masks ?? everything, sizes);
  const after = mapParams(params, ({ data }, name) => {
    const steps = step.get(name)!.data;
    return data.map((v, i) => v + steps[i]!);
  });
  const masks = masksAfter(rules, {
    version,
    masks: before.masks,
    ages,
    manifest,
    votes,
    params: after,
    delta: aggregate.delta,
  });
  // The same masks stay the same value, so that nobody is told of them again.
  return { masks: isSameMasks(masks, before.masks) ? before.masks : masks, ages };
}
