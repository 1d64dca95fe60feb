import type { Reading } from "./reading.ts";
import { span } from "./span.ts";

/** A value of every holder, and of every coordinate where its values end. */
const VALUE_BYTES = 4;
const END_BYTES = 4;

/** The least that a block takes: one coordinate that everybody holds. */
export const blockBytes = (updates: number): number => VALUE_BYTES * updates + END_BYTES;

/** No array is longer than that. */
const MAX_VALUES = 2 ** 31;

/** Cuts the model's coordinates into blocks whose held values fit into `bytes`; each has one coordinate at least. */
export function* blocksOf(
  counts: Uint32Array,
  fewest: number,
  bytes: number,
): Generator<readonly [from: number, to: number]> {
  const most = Math.min(bytes, VALUE_BYTES * MAX_VALUES);
  let from = 0;
  let taken = 0;
  for (let at = 0; at < counts.length; at++) {
    const more = VALUE_BYTES * roomFor(counts[at]!, fewest) + END_BYTES;
    if (at > from && taken + more > most) {
      yield [from, at];
      from = at;
      taken = 0;
    }
    taken += more;
  }
  yield [from, counts.length];
}

/** What too few hold is not looked at. */
const roomFor = (count: number, fewest: number): number => (count < fewest ? 0 : count);

/** In one pass over the updates, the values of every coordinate of a block that `fewest` or more hold, in a row. */
export function gatherHeld(
  updates: readonly Reading[],
  counts: Uint32Array,
  fewest: number,
  from: number,
  to: number,
): (at: number) => Float32Array {
  const ends = new Uint32Array(to - from);
  let room = 0;
  for (let at = from; at < to; at++) {
    ends[at - from] = room;
    room += roomFor(counts[at]!, fewest);
  }
  const values = new Float32Array(room);
  for (const { read } of updates) {
    let start = 0;
    for (const { delta } of read().tensors.values()) {
      const { support, length } = delta;
      const [first, last] = [Math.max(from, start), Math.min(to, start + length)];
      if (first < last) {
        const [begin, end] = span(support, first - start, last - start);
        for (let i = begin; i < end; i++) {
          const at = start + (support === null ? i : support[i]!);
          if (counts[at]! >= fewest) values[ends[at - from]!++] = delta.values[i]!;
        }
      }
      start += length;
    }
  }
  return (at) => values.subarray(ends[at - from]! - counts[at]!, ends[at - from]!);
}
