import { codecBase64 } from "./codec.wasm.ts";
import type { CodecExports } from "./codec-exports.ts";
import type { ExactSums } from "./exact-sums.ts";
import { numValues, type Values } from "./packed.ts";
import { type Addend, isDense, waitingRoom } from "./waiting-room.ts";
import { canInstantiate, instantiate, newMemory } from "./webassembly.ts";

/**
 * In WebAssembly SIMD; null where that is missing, or the memory for it. The sums stay in its memory. Where they are more
 * than a cache holds, what is added `waits`, so that several updates are added in one pass over the sums.
 */
export function simdSums(length: number, waits: boolean = length > CACHED): ExactSums | null {
  const pages = Math.ceil((SUMS + 8 * length) / PAGE_BYTES);
  if (pages > MAX_PAGES || !canInstantiate(codecBase64)) return null;
  const memory = memoryOf(pages);
  if (memory === null) return null;
  const wasm = instantiate(codecBase64, memory) as CodecExports;
  const table = new BigInt64Array(memory.buffer, TABLE, 256);
  const floats = new Float32Array(memory.buffer, VALUES, PART);
  const bytes = new Uint8Array(memory.buffer, VALUES, 4 * PART);
  const words = new Uint32Array(memory.buffer, POSITIONS, PART);
  const doubles = new Float64Array(memory.buffer, WEIGHTS, PART);
  const others = new BigInt64Array(memory.buffer, VALUES, PART / 2);
  const sums = new BigInt64Array(memory.buffer, SUMS, length);
  const pointer = (start: number): number => SUMS + 8 * start;

  /** What every entry of a table comes to: as many roundings as it has, however many codes there are. */
  const setTable = (entries: Float32Array, scale: number): void => {
    floats.set(entries);
    table.fill(0n);
    wasm.addOnGrid(TABLE, VALUES, entries.length, scale);
  };

  const addRange = ({ start, positions, values, scale }: Addend, from: number, to: number): void => {
    if ("codes" in values) setTable(values.table, scale);
    for (let at = from; at < to; at += PART) {
      const end = Math.min(at + PART, to);
      const count = end - at;
      const into = pointer(positions === null ? start + at : start);
      if (positions !== null) words.set(positions.subarray(at, end));
      if ("codes" in values) {
        bytes.set(values.codes.subarray(at, end));
        if (positions === null) wasm.addEntries(into, VALUES, count, TABLE);
        else wasm.addEntriesAt(into, POSITIONS, VALUES, count, TABLE);
        continue;
      }
      if ("bytes" in values) bytes.set(values.bytes.subarray(4 * at, 4 * end));
      else floats.set(values.subarray(at, end));
      if (positions === null) wasm.addOnGrid(into, VALUES, count, scale);
      else wasm.addAtOnGrid(into, POSITIONS, VALUES, count, scale);
    }
  };
  const room = waitingRoom(length, addRange);

  const addAddend = (addend: Addend): void => {
    if (waits && !(addend.values instanceof Float32Array) && isDense(addend)) room.enter(addend);
    else addRange(addend, 0, numValues(addend.values));
  };

  return {
    length,
    add: (start, values: Values, scale) => addAddend({ start, positions: null, values, scale }),
    addAt: (start, positions, values: Values, scale) => addAddend({ start, positions, values, scale }),
    settle: room.leave,
    isSettled: room.isEmpty,
    addSums(start, more) {
      for (let from = 0; from < more.length; from += PART / 2) {
        const part = more.subarray(from, from + PART / 2);
        others.set(part);
        wasm.addSums(pointer(start + from), VALUES, part.length);
      }
    },
    read(start, end) {
      room.leave();
      return sums.slice(start, end);
    },
    means(start, quantum, weights, out) {
      room.leave();
      if (typeof weights === "number") doubles.fill(weights);
      for (let from = 0; from < out.length; from += PART) {
        const count = Math.min(PART, out.length - from);
        if (typeof weights !== "number") doubles.set(weights.subarray(from, from + count));
        wasm.means(pointer(start + from), WEIGHTS, count, quantum, VALUES);
        out.set(floats.subarray(0, count), from);
      }
    },
    clear() {
      room.empty();
      sums.fill(0n);
    },
  };
}

function memoryOf(pages: number) {
  try {
    return newMemory(pages);
  } catch (error) {
    if (error instanceof RangeError) return null; // no room
    throw error;
  }
}

/** So many sums, 32 MB of them, are in a cache when the next update comes. */
const CACHED = 2 ** 22;
const PAGE_BYTES = 2 ** 16;
/** What 32-bit addresses reach. */
const MAX_PAGES = 2 ** 16;
/** Values pass through in parts that stay in the cache. */
const PART = 2 ** 13;
const TABLE = 1024; // clear of address 0
const VALUES = TABLE + 8 * 256;
const POSITIONS = VALUES + 4 * PART;
const WEIGHTS = POSITIONS + 4 * PART;
const SUMS = WEIGHTS + 8 * PART;
