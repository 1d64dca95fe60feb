import { type CodecArena, PART } from "./codec-arena.ts";
import type { CodecExports } from "./codec-exports.ts";
import { binContexts, lastValue, rangeDecoder, rangeEncoder } from "./range-coder.ts";

/**
 * Gaps between positions by the adaptive range coder: of gap + 1, a number of n + 1 binary digits, n in unary and then
 * the digits below the first. Bins of n learn by how large the gap before was, the three highest digits by n and by one
 * another; lower ones are as good as random.
 */
export interface RangeKernels {
  /** `positions` rise, and are below 2^32 - 1. */
  readonly encodeGaps: (positions: Uint32Array) => Uint8Array;
  /** Whatever the bytes; behind the last of these come zeros. */
  readonly decodeGaps: (bytes: Uint8Array, count: number, length: number) => DecodedGaps;
}

export interface DecodedGaps {
  /** `count` of them, or as many as come before the first that is not below `length`. */
  readonly positions: Uint32Array;
  /** How many bytes were taken, which may be more than there are. */
  readonly numBytes: number;
}

/** Digits below the first: a length has at most 32. */
const MAX_DIGITS = 32;
/** Nodes of a tree of three digits, numbered as the digits read so far with a one before them. */
const TREE = 8;
/** Rooms for how large the gap before was, and the one at the start. */
const NUM_SIZES = 3;
const MIDDLE = 1;
const sizeOf = (n: number): number => (n < 3 ? 0 : n < 6 ? MIDDLE : 2);

const NUM_CONTEXTS = (NUM_SIZES + TREE) * MAX_DIGITS;
const unaryContext = (size: number, i: number): number => size * MAX_DIGITS + i;
const digitContext = (n: number, node: number): number => NUM_SIZES * MAX_DIGITS + n * TREE + node;

export const scalarRange: RangeKernels = {
  encodeGaps(positions) {
    const encoder = rangeEncoder();
    const contexts = binContexts(NUM_CONTEXTS);
    let [size, next] = [MIDDLE, 0];
    for (const position of positions) {
      const value = position - next + 1;
      const n = 31 - Math.clz32(value);
      for (let i = 0; i <= n; i++) encoder.encode(i < n ? 0 : 1, contexts, unaryContext(size, i));
      let node = 1;
      for (let d = n - 1; d >= 0; d--) {
        const bit = (value >>> d) & 1;
        if (node < TREE) encoder.encode(bit, contexts, digitContext(n, node));
        else encoder.encodeEven(bit);
        node = 2 * node + bit;
      }
      size = sizeOf(n);
      next = position + 1;
    }
    return encoder.finish();
  },

  decodeGaps(bytes, count, length) {
    const decoder = rangeDecoder(bytes);
    const contexts = binContexts(NUM_CONTEXTS);
    const positions = new Uint32Array(count);
    let [size, next] = [MIDDLE, 0];
    for (let k = 0; k < count; k++) {
      const highest = length - next; // of gap + 1
      let n = 0;
      while (2 ** n <= Math.max(highest, 1) && decoder.decode(contexts, unaryContext(size, n)) === 0) n++;
      let value = 1;
      for (let d = n - 1; d >= 0 && 2 ** n <= highest; d--) {
        const bit = value < TREE ? decoder.decode(contexts, digitContext(n, value)) : decoder.decodeEven();
        value = 2 * value + bit;
      }
      if (2 ** n > highest || value > highest)
        return { positions: positions.subarray(0, k), numBytes: decoder.taken() };
      positions[k] = next + value - 1;
      next += value;
      size = sizeOf(n);
    }
    return { positions, numBytes: decoder.taken() };
  },
};

/** The most that a position takes: 32 bins of unary and 32 digits, at 15 bits each. */
const MAX_BYTES = 120;
const ENCODED_PART = 2 ** 12;
const WINDOW = 2 ** 16;

export function simdRange(wasm: CodecExports, { place, bytes, words }: CodecArena): RangeKernels {
  const emptyContexts = Uint32Array.from({ length: 2 * NUM_CONTEXTS }, (_, i) => (i % 2 === 0 ? 2 ** 30 : 0));
  return {
    encodeGaps(positions) {
      const [at, contexts, stateAt, room] = place(
        4 * ENCODED_PART,
        4 * emptyContexts.length,
        16,
        64 + MAX_BYTES * ENCODED_PART,
      );
      words(contexts, emptyContexts.length).set(emptyContexts);
      const state = words(stateAt, 4);
      state.set([0, 2 ** 32 - 1, 0, MIDDLE]);
      const before = room + 63; // takes the carry
      let coded = new Uint8Array(2 * positions.length + 64);
      let length = 0;
      for (let start = 0; start < positions.length; start += ENCODED_PART) {
        const part = positions.subarray(start, start + ENCODED_PART);
        words(at, part.length).set(part);
        bytes(before, 1)[0] = 0;
        const numBytes = wasm.encodeGaps(at, part.length, contexts, stateAt, before + 1) - before - 1;
        if (bytes(before, 1)[0] === 1) carry(coded, length);
        if (length + numBytes + 4 > coded.length) coded = resized(coded, 2 * (length + numBytes));
        coded.set(bytes(before + 1, numBytes), length);
        length += numBytes;
      }
      const last = lastValue(state[0]!, state[1]!);
      if (last >= 2 ** 32) carry(coded, length);
      for (let shift = 24; shift >= 0; shift -= 8) coded[length++] = last >>> shift;
      while (length > 0 && coded[length - 1] === 0) length--;
      return coded.slice(0, length);
    },

    decodeGaps(all, count, length) {
      const [at, contexts, stateAt, out] = place(WINDOW + MAX_BYTES, 4 * emptyContexts.length, 24, 4 * PART);
      words(contexts, emptyContexts.length).set(emptyContexts);
      const code = [0, 1, 2, 3].reduce((sum, i) => 256 * sum + (all[i] ?? 0), 0);
      const state = words(stateAt, 6);
      state.set([2 ** 32 - 1, 0, MIDDLE, at, code, 0]);
      const positions = new Uint32Array(count);
      let taken = 4;
      let n = 0;
      while (n < count) {
        const window = all.subarray(taken, taken + WINDOW + MAX_BYTES);
        bytes(at, WINDOW + MAX_BYTES)
          .fill(0, window.length)
          .set(window);
        state[3] = at;
        const wanted = Math.min(count - n, PART);
        const more = wasm.decodeGaps(stateAt, at + WINDOW - 1, contexts, length, wanted, out);
        const numRead = more < 0 ? ~more : more;
        positions.set(words(out, numRead), n);
        n += numRead;
        taken += state[3]! - at;
        if (more < 0) break;
      }
      return { positions: positions.subarray(0, n), numBytes: taken };
    },
  };
}

/** Adds one to the number that the first `length` bytes are. */
function carry(coded: Uint8Array, length: number): void {
  let at = length - 1;
  for (; coded[at] === 255; at--) coded[at] = 0;
  coded[at]! += 1;
}

function resized(coded: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length + 64);
  larger.set(coded);
  return larger;
}
