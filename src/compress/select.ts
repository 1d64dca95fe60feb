import { codecKernels } from "../kernels/codec.ts";
import { assert } from "../model/assert.ts";
import type { Positions } from "../model/tensor.ts";

/** How many coordinates a density keeps of `length`: rounded half up, at least one. */
export const countOfDensity = (density: number, length: number): number =>
  Math.max(1, Math.floor(density * length + 0.5));

/**
 * The `count` coordinates of largest magnitude, ascending; of equals, those that come first. Zeros are never among
 * them, so there may be fewer. Exact and O(n).
 */
export function topK(vector: Float32Array, count: number): Positions {
  assert(count >= 1, "top-k keeps at least one");
  return codecKernels(vector.length).largest(vector, count);
}
