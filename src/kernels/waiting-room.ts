import { numValues, type Values } from "./packed.ts";

/** Values times a scale, for the sums from `start` on: one after the other, or at positions that rise. */
export interface Addend {
  readonly start: number;
  readonly positions: Uint32Array | null;
  readonly values: Values;
  readonly scale: number;
}

/**
 * Addends that wait for others, to be added together: block by block of the sums, each of which is then in the cache
 * while all have their turn at it, instead of being fetched from memory and written back for every one. When one more as
 * large as the last would be more than HELD bytes, they are added.
 */
export interface WaitingRoom {
  readonly enter: (addend: Addend) => void;
  /** Adds them all. */
  readonly leave: () => void;
  /** Forgets them. */
  readonly empty: () => void;
  readonly isEmpty: () => boolean;
}

/** For `length` sums; `add` adds the values from one place to before another. */
export function waitingRoom(
  length: number,
  add: (addend: Addend, from: number, to: number) => void,
): WaitingRoom {
  let waiting: Addend[] = [];
  let held = 0;

  const empty = (): void => {
    waiting = [];
    held = 0;
  };
  const leave = (): void => {
    const reached = new Uint32Array(waiting.length);
    for (let end = BLOCK; end < length + BLOCK && waiting.length > 0; end += BLOCK)
      for (let i = 0; i < waiting.length; i++) {
        const from = reached[i]!;
        const to = numBelow(waiting[i]!, end, from);
        if (to === from) continue;
        add(waiting[i]!, from, to);
        reached[i] = to;
      }
    empty();
  };
  return {
    enter(addend) {
      const bytes = bytesOf(addend);
      waiting.push(addend);
      held += bytes;
      if (held + bytes > HELD || waiting.length === MOST) leave();
    },
    leave,
    empty,
    isEmpty: () => waiting.length === 0,
  };
}

/** Sums at a time: a quarter of a MiB of them, beside what is added. */
const BLOCK = 2 ** 15;
/** Of an addend with positions, for a block. */
const FEWEST = 128;
const MOST = 64;
const HELD = 2 ** 27;

function bytesOf({ positions, values }: Addend): number {
  const ofPositions = positions === null ? 0 : positions.byteLength;
  if (values instanceof Float32Array) return ofPositions + values.byteLength;
  return ofPositions + ("codes" in values ? values.codes.length : values.bytes.length);
}

/** Whether it has so many values for the sums of a block that the way there is worth it. */
export function isDense({ positions, values }: Addend): boolean {
  const count = numValues(values);
  if (positions === null || count === 0) return true;
  return FEWEST * (positions[count - 1]! - positions[0]!) <= count * BLOCK;
}

/** How many values are for sums before `end`; those before `from` are. */
function numBelow({ start, positions, values }: Addend, end: number, from: number): number {
  const count = numValues(values);
  if (positions === null) return Math.min(Math.max(end - start, from), count);
  let [low, high] = [from, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (start + positions[middle]! < end) low = middle + 1;
    else high = middle;
  }
  return low;
}
