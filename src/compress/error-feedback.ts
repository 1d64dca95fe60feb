import { codecKernels } from "../kernels/codec.ts";
import { assert } from "../model/assert.ts";
import { WireError } from "../model/error.ts";
import { deriveSeed } from "../model/rng.ts";
import type { Params, SparseVector } from "../model/tensor.ts";
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
}

/**
 * Encodes `delta` plus what is owed; `seed`, 0 to 2^32-1, is for what codecs leave to chance. No magnitude above
 * its group's bound (a power of two, or Infinity; one for all or one each) is sent: the excess stays in the residual, or is lost in a group without one.
 * Changes none of its arguments. Throws WireError `not-finite` when the delta is no number any more, as after a
 * diverged training.
 */
export function encodeDelta(
  groups: readonly PlanGroup[],
  delta: Params,
  residual: Residual,
  bounds: number | readonly number[],
  seed: number,
  priors: Priors = null,
): EncodedDelta {
  assert(residual.length === groups.length, "a residual has one entry a group");
  const encoded = groups.map((group, i) =>
    encodeGroup(
      group,
      gather(group, delta),
      residual[i] ?? null,
      typeof bounds === "number" ? bounds : bounds[i]!,
      deriveSeed(seed, "group", i),
      i,
      priors?.[i] ?? null,
    ),
  );
  return {
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

function encodeGroup(
  group: PlanGroup,
  wanted: Float32Array,
  owed: Float32Array | null,
  bound: number,
  seed: number,
  i: number,
  prior: TensorPrior | null,
) {
  assert((owed !== null) === group.rule.errorFeedback, "a group has a residual exactly with error feedback");
  if (owed !== null) {
    assert(owed.length === wanted.length, "a residual is as long as its group");
    for (let j = 0; j < wanted.length; j++) wanted[j]! += owed[j]!;
  }
  const kernels = codecKernels(wanted.length);
  if (!kernels.allFinite(wanted)) throw new WireError("not-finite", `group ${i}`, "the delta to encode");
  const clamped =
    kernels.maxMagnitude(wanted) <= bound ? wanted : wanted.map((v) => Math.min(bound, Math.max(-bound, v)));
  const { payload, plain, sent } = group.codec.encode(clamped, seed, bound, prior);
  return { payload, plain, sent, left: owed === null ? null : minus(wanted, sent) };
}

function minus(vector: Float32Array, { support, values }: SparseVector): Float32Array {
  const left = vector.slice();
  for (let i = 0; i < values.length; i++) left[support === null ? i : support[i]!]! -= values[i]!;
  return left;
}

const merged = (maps: readonly ReadonlyMap<string, SparseVector>[]): ReadonlyMap<string, SparseVector> =>
  new Map(maps.flatMap((map) => [...map]));
