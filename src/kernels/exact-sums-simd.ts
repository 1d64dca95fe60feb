import { codecBase64 } from "./codec.wasm.ts";
import type { CodecExports } from "./codec-exports.ts";
import type { ExactSums } from "./exact-sums.ts";
import { canInstantiate, instantiate, newMemory } from "./webassembly.ts";

/** In WebAssembly SIMD; null where that is missing, or the memory for it. The sums stay in its memory. */
export function simdSums(length: number): ExactSums | null {
  const pages = Math.ceil((SUMS + 8 * length) / PAGE_BYTES);
  if (pages > MAX_PAGES || !canInstantiate(codecBase64)) return null;
  const memory = memoryOf(pages);
  if (memory === null) return null;
  const wasm = instantiate(codecBase64, memory) as CodecExports;
  const floats = new Float32Array(memory.buffer, VALUES, PART);
  const words = new Uint32Array(memory.buffer, POSITIONS, PART);
  const doubles = new Float64Array(memory.buffer, WEIGHTS, PART);
  const others = new BigInt64Array(memory.buffer, VALUES, PART / 2);
  const sums = new BigInt64Array(memory.buffer, SUMS, length);
  const pointer = (start: number): number => SUMS + 8 * start;

  return {
    length,
    add(start, values, scale) {
      for (let from = 0; from < values.length; from += PART) {
        const part = values.subarray(from, from + PART);
        floats.set(part);
        wasm.addOnGrid(pointer(start + from), VALUES, part.length, scale);
      }
    },
    addAt(start, positions, values, scale) {
      for (let from = 0; from < values.length; from += PART) {
        const part = values.subarray(from, from + PART);
        floats.set(part);
        words.set(positions.subarray(from, from + PART));
        wasm.addAtOnGrid(pointer(start), POSITIONS, VALUES, part.length, scale);
      }
    },
    addSums(start, more) {
      for (let from = 0; from < more.length; from += PART / 2) {
        const part = more.subarray(from, from + PART / 2);
        others.set(part);
        wasm.addSums(pointer(start + from), VALUES, part.length);
      }
    },
    read: (start, end) => sums.slice(start, end),
    means(start, quantum, weights, out) {
      if (typeof weights === "number") doubles.fill(weights);
      for (let from = 0; from < out.length; from += PART) {
        const count = Math.min(PART, out.length - from);
        if (typeof weights !== "number") doubles.set(weights.subarray(from, from + count));
        wasm.means(pointer(start + from), WEIGHTS, count, quantum, VALUES);
        out.set(floats.subarray(0, count), from);
      }
    },
    clear() {
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

const PAGE_BYTES = 2 ** 16;
/** What 32-bit addresses reach. */
const MAX_PAGES = 2 ** 16;
/** Values pass through in parts that stay in the cache. */
const PART = 2 ** 13;
const VALUES = 1024; // clear of address 0
const POSITIONS = VALUES + 4 * PART;
const WEIGHTS = POSITIONS + 4 * PART;
const SUMS = WEIGHTS + 8 * PART;
