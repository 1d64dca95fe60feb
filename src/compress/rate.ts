import { assert } from "../model/assert.ts";
import type { Positions } from "../model/tensor.ts";
import { NUM_CLASSES, type TensorPrior } from "./history/prior.ts";
import { log2Of } from "./logarithm.ts";

/**
 * What one more coordinate costs in bits, by the coder's own measure: an adaptive code of n among N that are alike takes
 * about N H(n / N) bits, so that the next takes log2((N - n) / n). Without a prior all coordinates of a vector are alike,
 * and then rate-distortion selection is top-k; with one they are by probability class.
 */
export interface Cost {
  /** By class, at least a bit and at most 32, the value's bits added. */
  readonly ofClass: Float64Array;
  readonly classes: Uint8Array | null;
}

export function costOf(
  positions: Positions,
  length: number,
  prior: TensorPrior | null,
  valueBits: number,
): Cost {
  const classes = prior?.planes[0] ?? null;
  assert(classes === null || classes.length === length, "a prior is as long as its vector");
  const numClasses = classes === null ? 1 : NUM_CLASSES;
  const [all, sent] = [new Float64Array(numClasses), new Float64Array(numClasses)];
  if (classes === null) [all[0], sent[0]] = [length, positions.length];
  else {
    for (const c of classes) all[c]! += 1;
    for (const at of positions) sent[classes[at]!]! += 1;
  }
  const ofClass = all.map((n, c) => {
    const bits = log2Of((n - sent[c]! + 0.5) / (sent[c]! + 0.5));
    return Math.min(MOST_BITS, Math.max(LEAST_BITS, bits)) + valueBits;
  });
  return { ofClass, classes };
}

/** v^2 > lambda * bits(v) exactly where |v| / sqrt(bits(v)) is above a threshold: those magnitudes. */
export function scoresOf(vector: Float32Array, { ofClass, classes }: Cost): Float32Array {
  const scales = ofClass.map((bits) => 1 / Math.sqrt(bits));
  return classes === null
    ? vector.map((v) => v * scales[0]!)
    : vector.map((v, i) => v * scales[classes[i]!]!);
}

/** The least that a bit bought: v^2 / bits(v) of the coordinates sent; 0 of none. */
export function lambdaOf(vector: Float32Array, positions: Positions, { ofClass, classes }: Cost): number {
  let least = Infinity;
  for (const at of positions)
    least = Math.min(least, vector[at]! ** 2 / ofClass[classes === null ? 0 : classes[at]!]!);
  return least === Infinity ? 0 : least;
}

/** So that no class is shut out for good, and none takes all: what selects by cost stays a contraction. */
const LEAST_BITS = 1;
const MOST_BITS = 32;
