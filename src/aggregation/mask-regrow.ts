import { cosineOfTurn } from "../kernels/cosine.ts";
import { differenceOf, maskOf, restrict, unionOf } from "../model/masks.ts";
import type { Positions } from "../model/tensor.ts";
import { best, largest } from "./ranking.ts";

/**
 * Dynamic sparse training: every so often the smallest weights of a mask make room for coordinates outside of it on which
 * the gradient is largest (RigL, Evci et al., 2020; in federated form FedDST, Bibikar et al., 2022). For the gradient
 * stands the mean delta of a round in which clients trained all coordinates: it is a sum of gradients.
 */
export interface Regrow {
  /** Of a mask, above 0 to below 1: exchanged at first, and then less by half a cosine until the last round. */
  readonly fraction: number;
  readonly numRounds: number;
}

/** The share to exchange in `round`; none in the last. */
export function regrowShare({ fraction, numRounds }: Regrow, round: number): number {
  return round >= numRounds ? 0 : (fraction * (1 + cosineOfTurn(round / numRounds))) / 2;
}

/**
 * The mask with at most `share` of it exchanged: as many coordinates as before, and no more of them new than dropped.
 * New ones have a `growth` that is not zero.
 */
export function regrown(
  mask: Positions | null,
  values: Float32Array,
  growth: Float32Array,
  share: number,
): Positions | null {
  if (mask === null) return null;
  const outside = differenceOf(null, mask, values.length);
  const most = Math.min(Math.floor(share * mask.length), outside.length);
  const grown = largest(restrict(growth, outside), most).map((i) => outside[i]!);
  const magnitudes = restrict(values, mask).map(Math.abs);
  const kept = best(magnitudes, magnitudes, mask.length - grown.length).map((i) => mask[i]!);
  return unionOf(kept, grown, values.length);
}

/**
 * As near to `wanted` as at most `most` drops and `most` additions come: the smallest values go first, the largest come
 * first. A mask that jumps costs every client a new one, and its residuals (GlueFL, He et al., 2023). Drops go first, so that
 * additions never outnumber them by more than `wanted` outnumbers the mask.
 */
export function boundedDrift(
  mask: Positions | null,
  wanted: Positions | null,
  values: Float32Array,
  most: number,
): Positions | null {
  const { length } = values;
  const leaving = differenceOf(mask, wanted, length);
  const coming = differenceOf(wanted, mask, length);
  const magnitudeAt = (at: number): number => Math.abs(values[at]!);
  const stay = Float32Array.from(leaving, magnitudeAt);
  const numLeaving = Math.min(most, leaving.length);
  const staying = best(stay, stay, leaving.length - numLeaving).map((i) => leaving[i]!);
  const room = Math.max(0, numLeaving + coming.length - leaving.length);
  const come = Float32Array.from(coming, magnitudeAt);
  const added = best(come, come, Math.min(most, room)).map((i) => coming[i]!);
  const common = differenceOf(mask, leaving, length);
  return unionOf(unionOf(maskOf(common, length), staying, length), added, length);
}
