import type { Manifest } from "../../model/manifest.ts";
import type { TensorUpdate, UpdateMessage } from "../../model/message.ts";
import { type Params, sizeOf, type Tensor } from "../../model/tensor.ts";
import { blocks, span } from "./span.ts";

/** One value of a coordinate out of those that its holders sent, in rising order. */
export type Statistic = (sorted: Float32Array) => number;

/** Values gathered at one time: 4 MiB of them. */
const BLOCK_VALUES = 2 ** 20;

/**
 * `statistic` of the holders' values times holders over owners, coordinate by coordinate; 0 where fewer than
 * `fewest` hold it, 1 or more.
 *
 * The factor is senders over owners again: what a client with error feedback sends of a coordinate is what it owed
 * since it sent it last, so that the holders' own mean, taken every time that somebody sends, would apply it as many
 * times over as there are owners to a holder. With the factor all that is applied sums up to what the mean would apply.
 */
export function overHolders(
  updates: readonly UpdateMessage[],
  manifest: Manifest,
  fewest: number,
  statistic: Statistic,
): Params {
  const delta = new Map<string, Tensor>();
  for (const { name, shape } of manifest.tensors) {
    const parts = updates.map(({ tensors }) => tensors.get(name)!);
    const data = new Float32Array(sizeOf(shape));
    const size = Math.max(1, Math.floor(BLOCK_VALUES / parts.length));
    for (const [from, to] of blocks(data.length, size)) {
      const owners = ownersOf(parts, from, to);
      const held = gatherHeld(parts, from, to);
      for (let at = 0; at < to - from; at++) {
        const count = held.counts[at]!;
        if (count < fewest) continue;
        const row = held.values.subarray(at * parts.length, at * parts.length + count);
        sort(row);
        data[from + at] = (statistic(row) * count) / owners[at]!;
      }
    }
    delta.set(name, { shape, data });
  }
  return delta;
}

/** Of each coordinate of a block a row with room for everybody, and how many hold it. */
function gatherHeld(parts: readonly TensorUpdate[], from: number, to: number) {
  const values = new Float32Array((to - from) * parts.length);
  const counts = new Uint32Array(to - from);
  for (const { delta } of parts) {
    const { support } = delta;
    const [start, end] = span(support, from, to);
    for (let i = start; i < end; i++) {
      const at = (support === null ? i : support[i]!) - from;
      values[at * parts.length + counts[at]!++] = delta.values[i]!;
    }
  }
  return { values, counts };
}

/** Few numbers are sorted in less time than the call to sort them takes. */
function sort(row: Float32Array): void {
  if (row.length > 32) {
    row.sort();
    return;
  }
  for (let i = 1; i < row.length; i++) {
    const value = row[i]!;
    let at = i;
    for (; at > 0 && row[at - 1]! > value; at--) row[at] = row[at - 1]!;
    row[at] = value;
  }
}

function ownersOf(parts: readonly TensorUpdate[], from: number, to: number): Uint32Array {
  const owners = new Uint32Array(to - from);
  for (const { mask } of parts)
    if (mask === null) for (let at = 0; at < owners.length; at++) owners[at]!++;
    else {
      const [start, end] = span(mask, from, to);
      for (let i = start; i < end; i++) owners[mask[i]! - from]!++;
    }
  return owners;
}
