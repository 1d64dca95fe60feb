import { codecKernels } from "../kernels/codec.ts";
import { assert } from "../model/assert.ts";
import { WireError } from "../model/error.ts";
import { deriveSeed } from "../model/rng.ts";
import type { Params, SparseVector } from "../model/tensor.ts";
import type { Room } from "./budget.ts";
import { encodeGroups } from "./groups.ts";
import type { TensorPrior } from "./history/prior.ts";
import { gather, type PlanGroup, scatter } from "./plan.ts";
import type { Scratch } from "./scratch.ts";

/**
 * What was not sent so far, one flat vector a plan group; null where the rule has no error feedback. It is added to
 * the next delta (Seide et al., 2014; Karimireddy et al., 2019), so that for every group with feedback
 * sum of sent + residual = sum of true deltas, up to float32 rounding.
 */
export type Residual = readonly (Float32Array | null)[];

/** Nothing owed. */
export const emptyResidual = (groups: readonly PlanGroup[]): Residual =>
  groups.map(({ rule, length }) => (rule.errorFeedback ? new Float32Array(length) : null));

/** One a group, or none at all: see `priorsOf` in history.ts. */
export type Priors = readonly (TensorPrior | null)[] | null;

export interface EncodedDelta {
  /** One a group. */
  readonly payloads: readonly Uint8Array[];
  /** The same for a receiver that has not the priors; null when no payload was coded by one. */
  readonly plain: readonly Uint8Array[] | null;
  /** What the receiver will decode, to the bit. */
  readonly sent: ReadonlyMap<string, SparseVector>;
  /** To be kept if, and only if, what was sent is folded in. */
  readonly residual: Residual;
  /** What a selection by budget or rate came to; null when no rule has one. */
  readonly choice: Choice | null;
}

export interface Choice {
  /** Of all coordinates of those rules, the share that is sent. */
  readonly density: number;
  /** The squared magnitude that a bit bought, of the coordinates sent the least. */
  readonly lambda: number;
}

/**
 * Encodes `delta` plus what is owed; `seed`, 0 to 2^32-1, is for what codecs leave to chance. No magnitude above
 * its group's bound (a power of two, or Infinity; one for all or one each) is sent: the excess stays in the residual, or is lost in a group without one.
 * `room` is for a plan with a budget. Changes none of its arguments. Throws WireError `not-finite` when the delta is no number any more, as after a
 * diverged training.
 */
export function encodeDelta(
  groups: readonly PlanGroup[],
  delta: Params,
  residual: Residual,
  bounds: number | readonly number[],
  seed: number,
  priors: Priors = null,
  room: Room | null = null,
): EncodedDelta {
  assert(residual.length === groups.length, "a residual has one entry a group");
  const prepared = groups.map((group, i) => {
    const owed = residual[i] ?? null;
    const wanted = wantedOf(group, gather(group, delta), owed, i);
    const bound = typeof bounds === "number" ? bounds : bounds[i]!;
    return {
      group,
      owed,
      wanted,
      vector: clamped(wanted, bound),
      bound,
      seed: deriveSeed(seed, "group", i),
      prior: priors?.[i] ?? null,
    };
  });
  const { coded, choice } = encodeGroups(prepared, room);
  const encoded = coded.map((one, i) => {
    const { owed, wanted } = prepared[i]!;
    return { ...one, left: owed === null ? null : minus(wanted, one.sent) };
  });
  return {
    choice,
    payloads: encoded.map(({ payload }) => payload),
    plain: encoded.some(({ plain }) => plain !== undefined)
      ? encoded.map(({ payload, plain }) => plain ?? payload)
      : null,
    sent: merged(encoded.map(({ sent }, i) => scatter(groups[i]!, sent))),
    residual: encoded.map(({ left }) => left),
  };
}

/** The deltas of all tensors, from one payload a group. Throws WireError. */
export function decodeDelta(
  groups: readonly PlanGroup[],
  payloads: readonly Uint8Array[],
  scratch?: Scratch,
  priors: Priors = null,
): ReadonlyMap<string, SparseVector> {
  if (payloads.length !== groups.length)
    throw new WireError("bad-shape", "payloads", `${payloads.length}, expected ${groups.length}`);
  return merged(
    groups.map((group, i) =>
      scatter(group, group.codec.decode(payloads[i]!, group.length, `payload ${i}`, scratch, priors?.[i])),
    ),
  );
}

/** The group's delta and what is owed, in place. */
function wantedOf(
  group: PlanGroup,
  wanted: Float32Array,
  owed: Float32Array | null,
  i: number,
): Float32Array {
  assert((owed !== null) === group.rule.errorFeedback, "a group has a residual exactly with error feedback");
  if (owed !== null) {
    assert(owed.length === wanted.length, "a residual is as long as its group");
    for (let j = 0; j < wanted.length; j++) wanted[j]! += owed[j]!;
  }
  if (!codecKernels(wanted.length).allFinite(wanted))
    throw new WireError("not-finite", `group ${i}`, "the delta to encode");
  return wanted;
}

const clamped = (wanted: Float32Array, bound: number): Float32Array =>
  codecKernels(wanted.length).maxMagnitude(wanted) <= bound
    ? wanted
    : wanted.map((v) => Math.min(bound, Math.max(-bound, v)));

function minus(vector: Float32Array, { support, values }: SparseVector): Float32Array {
  const left = vector.slice();
  for (let i = 0; i < values.length; i++) left[support === null ? i : support[i]!]! -= values[i]!;
  return left;
}

const merged = (maps: readonly ReadonlyMap<string, SparseVector>[]): ReadonlyMap<string, SparseVector> =>
  new Map(maps.flatMap((map) => [...map]));
