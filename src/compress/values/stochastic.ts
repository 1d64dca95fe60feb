import { codecKernels } from "../../kernels/codec.ts";
import { derive } from "../../model/rng.ts";
import type { QuantizeOptions } from "./coder.ts";
import { levelValue, scaleWithin } from "./scale.ts";

export interface Levels {
  readonly scale: number;
  /** One a value, -numSteps to numSteps; it stands for `levelValue(scale, c, numSteps)`. */
  readonly levels: Int16Array;
}

/**
 * Stochastic rounding to the levels scale * c / numSteps: |v| goes up to the next level with the probability of how
 * far it is on the way there, so that the mean over seeds is v. `scale` is no less than any magnitude.
 *
 * With feedback the levels stay and the scale becomes the one with the least squared error, <v,c> / <c,c>. That
 * makes every single outcome a contraction, and is in the mean no worse than the fixed factor 1 / (1 + omega) by which
 * an unbiased code must be scaled (Beznosikov et al., 2020).
 */
export function stochasticLevels(
  values: Float32Array,
  scale: number,
  numSteps: number,
  { seed, feedback, bound }: QuantizeOptions,
): Levels {
  if (scale === 0) return { scale, levels: new Int16Array(values.length) };
  const kernels = codecKernels(values.length);
  const draws = derive(seed, "rounding");
  const { levels, largest } = kernels.stochasticLevels(values, draws, scale, numSteps);
  if (largest === 0) return { scale: 0, levels };
  const sums = feedback ? kernels.levelSums(values, levels) : null;
  const wanted = sums ? (numSteps * sums.product) / sums.square : scale;
  const sent = scaleWithin(wanted, bound, (s) => levelValue(s, largest, numSteps));
  return { scale: sent, levels: sent === 0 ? new Int16Array(values.length) : levels };
}

/**
 * Signs, plus or minus one, drawn so that the mean of sign * scale is the value; the least-squares scale with
 * feedback, not negative.
 */
export function stochasticSigns(
  values: Float32Array,
  scale: number,
  { seed, feedback }: QuantizeOptions,
): { readonly scale: number; readonly signs: Float32Array } {
  const { uniform } = derive(seed, "rounding");
  const signs = values.map((value) => (2 * uniform() * scale >= scale + value ? -1 : 1));
  if (!feedback) return { scale, signs };
  const product = values.reduce((sum, value, i) => sum + signs[i]! * value, 0);
  return { scale: Math.fround(Math.max(0, product / values.length)), signs };
}
