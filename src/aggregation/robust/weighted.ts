import { maskIn, ownedOf } from "../../model/masks.ts";
import type { TensorUpdate } from "../../model/message.ts";
import { mapParams, type Params } from "../../model/tensor.ts";
import type { Reading } from "./reading.ts";

/**
 * One coordinate's new value, from what it is in `base` and, over the clients that own it, `sum` = Σ wᵢ·δᵢ,
 * `weight` = Σ wᵢ and their number `owners`, 1 or more.
 */
type Combine = (before: number, sum: number, weight: number, owners: number) => number;

/**
 * One pass over the updates, in their order, into float64 sums: 8 bytes a coordinate, whatever the number of updates,
 * and 20 of tensors that somebody owns in part. A coordinate that nobody owns stays as it is in `base`.
 */
export function weighted(
  base: Params,
  updates: readonly Reading[],
  weights: readonly number[],
  combine: Combine,
): Params {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const sums = new Map(
    [...base].map(([name, { data }]) => {
      const masked = updates.some(({ masks }) => maskIn(masks, name) !== null);
      const owned = masked ? ownedBy(updates, weights, name, data.length) : null;
      return [name, { sum: new Float64Array(data.length), owned }];
    }),
  );
  updates.forEach(({ read }, i) => {
    for (const [name, part] of read().tensors) add(sums.get(name)!.sum, part, weights[i]!);
  });
  return mapParams(base, ({ data }, name) => {
    const { sum, owned } = sums.get(name)!;
    const next = data.slice();
    for (let i = 0; i < next.length; i++) {
      const owners = owned === null ? updates.length : owned.owners[i]!;
      if (owners > 0) next[i] = combine(data[i]!, sum[i]!, owned === null ? total : owned.weight[i]!, owners);
    }
    return next;
  });
}

/** Bytes of the sums. */
export const sumsBytes = (coordinates: number, masked: boolean): number => (masked ? 20 : 8) * coordinates;

function add(sum: Float64Array, { delta: { support, values } }: TensorUpdate, weight: number): void {
  if (support === null) for (let i = 0; i < values.length; i++) sum[i]! += weight * values[i]!;
  else for (let i = 0; i < values.length; i++) sum[support[i]!]! += weight * values[i]!;
}

/** Of every coordinate of a tensor the weight and the number of those that own it. */
function ownedBy(updates: readonly Reading[], weights: readonly number[], name: string, length: number) {
  const weight = new Float64Array(length);
  const owners = new Uint32Array(length);
  updates.forEach(({ masks }, i) => {
    const mask = maskIn(masks, name);
    const count = ownedOf(mask, length);
    for (let k = 0; k < count; k++) {
      const at = mask === null ? k : mask[k]!;
      weight[at]! += weights[i]!;
      owners[at]!++;
    }
  });
  return { weight, owners };
}

/** Σ wᵢ·δᵢ / Σ wᵢ over the owners; 0 where their weights are none. */
export const weightedMean = (zero: Params, updates: readonly Reading[], weights: readonly number[]): Params =>
  weighted(zero, updates, weights, (_, sum, weight) => (weight === 0 ? 0 : sum / weight));
