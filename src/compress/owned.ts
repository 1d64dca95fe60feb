import { assert } from "../model/assert.ts";
import { digestOf, type Manifest } from "../model/manifest.ts";
import {
  expand,
  maskIn,
  maskOf,
  masksDigest,
  ownedManifest,
  ownedOf,
  restrict,
  zeroOutside,
} from "../model/masks.ts";
import type { PlanRule } from "../model/protocol.ts";
import { type Masks, type Params, type Positions, type SparseVector, sizeOf } from "../model/tensor.ts";
import type { Room } from "./budget.ts";
import { decodeDelta, type EncodedDelta, encodeDelta, type Priors, type Residual } from "./error-feedback.ts";
import { type PlanGroup, planDigest, planGroups } from "./plan.ts";
import type { Scratch } from "./scratch.ts";

/**
 * A plan as it is for a client that owns a part of the model: its groups have the owned coordinates only, so that neither
 * selection nor positions nor bytes are spent on others. What is not owned keeps its residual, untouched.
 */
export interface OwnedPlan {
  readonly manifest: Manifest;
  readonly masks: Masks;
  /** Of the whole model: residuals are vectors of these, whatever is owned. */
  readonly whole: readonly PlanGroup[];
  /** One payload each. */
  readonly groups: readonly OwnedGroup[];
  readonly digest: string;
}

interface OwnedGroup extends PlanGroup {
  /** Its place among the whole model's groups, and what it owns of that one's vector. */
  readonly place: number;
  readonly mask: Positions | null;
}

/** Throws ConfigError, under `path`, as `planGroups` does: for the whole model and for what is owned of it. */
export function ownedPlan(
  rules: readonly PlanRule[],
  manifest: Manifest,
  masks: Masks | null,
  path: string,
): OwnedPlan {
  const whole = planGroups(rules, manifest, path);
  const ofModel = planDigest(rules, manifest);
  if (masks === null) {
    const all = new Map(manifest.tensors.map(({ name }) => [name, null]));
    const groups = whole.map((group, place) => ({ ...group, place, mask: null }));
    return { manifest, masks: all, whole, groups, digest: ofModel };
  }
  const groups = planGroups(rules, ownedManifest(manifest, masks), path).map((group): OwnedGroup => {
    const place = whole.findIndex(({ rule }) => rule === group.rule);
    return { ...group, place, mask: maskOfGroup(whole[place]!, masks) };
  });
  const text = new TextEncoder().encode(ofModel + masksDigest(masks, manifest));
  return { manifest, masks, whole, groups, digest: digestOf(text) };
}

/** Whether something of the model is not owned. */
export const isMasked = ({ groups, whole }: OwnedPlan): boolean =>
  groups.length < whole.length || groups.some(({ mask }) => mask !== null);

/**
 * As `encodeDelta`, with bounds of the owned groups; `delta` and residuals are of the whole model, and only what is owned
 * of them is looked at. `priors` are of the owned groups.
 */
export function encodeOwned(
  { groups, masks }: OwnedPlan,
  delta: Params,
  residual: Residual,
  bounds: number | readonly number[],
  seed: number,
  priors: Priors = null,
  room: Room | null = null,
): EncodedDelta {
  const owned = new Map(
    groups.flatMap(({ tensors }) =>
      tensors.map(({ name, shape }) => {
        const data = restrict(delta.get(name)!.data, maskIn(masks, name));
        return [name, { shape, data }] as const;
      }),
    ),
  );
  const owed = groups.map(({ place, mask }) => {
    const vector = residual[place];
    return vector ? restrict(vector, mask) : null;
  });
  const encoded = encodeDelta(groups, owned, owed, bounds, seed, priors, room);
  const left = residual.slice();
  groups.forEach(({ place, mask }, i) => {
    const [before, after] = [residual[place], encoded.residual[i]];
    if (before && after) left[place] = replaced(before, mask, after);
  });
  return { ...encoded, residual: left };
}

/** The deltas of all tensors of the whole model, from one payload a group. Throws WireError. */
export function decodeOwned(
  { groups, manifest, masks }: OwnedPlan,
  payloads: readonly Uint8Array[],
  scratch?: Scratch,
  priors: Priors = null,
): ReadonlyMap<string, SparseVector> {
  const owned = decodeDelta(groups, payloads, scratch, priors);
  return new Map(
    manifest.tensors.map(({ name, shape }) => {
      const mask = maskIn(masks, name);
      const nothing = { length: ownedOf(mask, sizeOf(shape)), support: NONE, values: new Float32Array(0) };
      return [name, expand(owned.get(name) ?? nothing, mask, sizeOf(shape))];
    }),
  );
}

const NONE: Positions = new Uint32Array(0);

/** An explicit drop: nothing is owed any more for what is not owned. */
export const zeroOutsideGroups = (residual: Residual, groups: readonly PlanGroup[], masks: Masks): Residual =>
  residual.map((vector, i) => vector && zeroOutside(vector, maskOfGroup(groups[i]!, masks)));

/** What is owned of a group's vector. */
function maskOfGroup({ tensors, length }: PlanGroup, masks: Masks): Positions | null {
  const positions = new Uint32Array(length);
  let count = 0;
  let start = 0;
  for (const { name, shape } of tensors) {
    const mask = maskIn(masks, name);
    const size = sizeOf(shape);
    if (mask === null) for (let at = 0; at < size; at++) positions[count++] = start + at;
    else for (const at of mask) positions[count++] = start + at;
    start += size;
  }
  return maskOf(positions.slice(0, count), length);
}

function replaced(vector: Float32Array, mask: Positions | null, owned: Float32Array): Float32Array {
  if (mask === null) return owned;
  assert(owned.length === mask.length, "as many values as are owned");
  const next = vector.slice();
  for (let i = 0; i < mask.length; i++) next[mask[i]!] = owned[i]!;
  return next;
}
