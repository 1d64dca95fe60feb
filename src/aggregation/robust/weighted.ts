import type { TensorUpdate, UpdateMessage } from "../../model/message.ts";
import { mapParams, type Params } from "../../model/tensor.ts";
import { blocks, span } from "./span.ts";

/** Sums held at one time: 2 MiB of them. */
const BLOCK = 2 ** 17;

/**
 * One coordinate's new value, from what it is in `base` and, over the clients that own it, `sum` = Σ wᵢ·δᵢ,
 * `weight` = Σ wᵢ and their number `owners`, 1 or more.
 */
type Combine = (before: number, sum: number, weight: number, owners: number) => number;

/** Goes through all coordinates, block by block; one that nobody owns stays as it is in `base`. */
export function weighted(
  base: Params,
  updates: readonly UpdateMessage[],
  weights: readonly number[],
  combine: Combine,
): Params {
  return mapParams(base, ({ data }, name) => {
    const parts = updates.map(({ tensors }) => tensors.get(name)!);
    const next = data.slice();
    for (const [from, to] of blocks(data.length, BLOCK)) {
      const { sum, weight, owners } = sumsOf(parts, weights, from, to);
      for (let i = 0; i < to - from; i++)
        if (owners[i]! > 0) next[from + i] = combine(data[from + i]!, sum[i]!, weight[i]!, owners[i]!);
    }
    return next;
  });
}

function sumsOf(parts: readonly TensorUpdate[], weights: readonly number[], from: number, to: number) {
  const sum = new Float64Array(to - from);
  const weight = new Float64Array(to - from);
  const owners = new Uint32Array(to - from);
  for (const [i, { mask, delta }] of parts.entries()) {
    const w = weights[i]!;
    const { support, values } = delta;
    const [start, end] = span(support, from, to);
    for (let k = start; k < end; k++) sum[(support === null ? k : support[k]!) - from]! += w * values[k]!;
    const [first, last] = span(mask, from, to);
    for (let k = first; k < last; k++) {
      const at = (mask === null ? k : mask[k]!) - from;
      weight[at]! += w;
      owners[at]!++;
    }
  }
  return { sum, weight, owners };
}

/** Σ wᵢ·δᵢ / Σ wᵢ over the owners; 0 where their weights are none. */
export const weightedMean = (
  zero: Params,
  updates: readonly UpdateMessage[],
  weights: readonly number[],
): Params => weighted(zero, updates, weights, (_, sum, weight) => (weight === 0 ? 0 : sum / weight));
