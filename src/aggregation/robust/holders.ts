import { type Manifest, numParams } from "../../model/manifest.ts";
import { maskIn } from "../../model/masks.ts";
import { type Params, sizeOf } from "../../model/tensor.ts";
import { blockBytes, blocksOf, gatherHeld } from "./held.ts";
import type { Reading } from "./reading.ts";
import type { RoundSize } from "./rule.ts";

/** One value of a coordinate out of those that its holders sent, in rising order. */
export type Statistic = (sorted: Float32Array) => number;

/**
 * `statistic` of the holders' values times holders over owners, coordinate by coordinate; 0 where fewer than
 * `fewest` hold it, 1 or more. A pass over the updates counts holders; then the values of as many coordinates as fit
 * into `bytes` are gathered in one pass, and so on to the last coordinate.
 *
 * The factor is senders over owners again: what a client with error feedback sends of a coordinate is what it owed
 * since it sent it last, so that the holders' own mean, taken every time that somebody sends, would apply it as many
 * times over as there are owners to a holder. With the factor all that is applied sums up to what the mean would apply.
 */
export function overHolders(
  updates: readonly Reading[],
  manifest: Manifest,
  fewest: number,
  bytes: number,
  statistic: Statistic,
): Params {
  const length = numParams(manifest);
  const counts = holdersOf(updates, length);
  const owners = ownersOf(updates, manifest);
  const delta = new Float32Array(length);
  for (const [from, to] of blocksOf(counts, fewest, bytes - countsBytes(length, owners !== null))) {
    const rows = gatherHeld(updates, counts, fewest, from, to);
    for (let at = from; at < to; at++) {
      const count = counts[at]!;
      if (count < fewest) continue;
      const row = rows(at);
      sort(row);
      delta[at] = (statistic(row) * count) / (owners === null ? updates.length : owners[at]!);
    }
  }
  let end = 0;
  return new Map(
    manifest.tensors.map(({ name, shape }) => {
      const start = end;
      end += sizeOf(shape);
      return [name, { shape, data: delta.slice(start, end) }];
    }),
  );
}

const countsBytes = (coordinates: number, masked: boolean): number => (masked ? 8 : 4) * coordinates;

/** The least that it takes: counts of every coordinate, and the values of one at a time. */
export const holdersBytes = ({ updates, coordinates, masked }: RoundSize): number =>
  countsBytes(coordinates, masked) + blockBytes(updates);

/** Of every coordinate of the model, how many send it. */
function holdersOf(updates: readonly Reading[], length: number): Uint32Array {
  const counts = new Uint32Array(length);
  for (const { read } of updates) {
    let start = 0;
    for (const { delta } of read().tensors.values()) {
      const { support } = delta;
      if (support === null) for (let i = 0; i < delta.length; i++) counts[start + i]!++;
      else for (let i = 0; i < support.length; i++) counts[start + support[i]!]!++;
      start += delta.length;
    }
  }
  return counts;
}

/** Of every coordinate of the model, how many own it; null when all own all. */
function ownersOf(updates: readonly Reading[], manifest: Manifest): Uint32Array | null {
  if (updates.every(({ masks }) => [...masks.values()].every((mask) => mask === null))) return null;
  const owners = new Uint32Array(numParams(manifest));
  for (const { masks } of updates) {
    let start = 0;
    for (const { name, shape } of manifest.tensors) {
      const mask = maskIn(masks, name);
      const size = sizeOf(shape);
      if (mask === null) for (let i = 0; i < size; i++) owners[start + i]!++;
      else for (const at of mask) owners[start + at]!++;
      start += size;
    }
  }
  return owners;
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
