import type { Pointer } from "./kernels.ts";
import { newMemory, type WasmMemory } from "./webassembly.ts";

/**
 * The memory that the codecs' kernels work in, 1 MiB: nothing in it outlives a call. It never grows, since growing takes
 * the buffer away from under its views; once that has happened, V8 checks for it at every access to any typed array, and
 * loops over them take twice as long.
 */
export interface CodecArena {
  readonly memory: WasmMemory;
  /** Room for so many bytes each, one behind the other, all aligned. Throws RangeError when there is not as much. */
  readonly place: <Sizes extends readonly number[]>(...sizes: Sizes) => { [I in keyof Sizes]: Pointer };
  readonly bytes: (at: Pointer, count: number) => Uint8Array;
  readonly shorts: (at: Pointer, count: number) => Int16Array;
  readonly words: (at: Pointer, count: number) => Uint32Array;
  readonly floats: (at: Pointer, count: number) => Float32Array;
  readonly doubles: (at: Pointer, count: number) => Float64Array;
}

/** Vectors pass through the memory in parts of so many values, which stay in the cache, so that it need not grow with them. */
export const PART = 2 ** 15;

const NUM_PAGES = 16;
const ALIGNMENT = 64;

export function openArena(): CodecArena {
  const memory = newMemory(NUM_PAGES);
  return {
    memory,
    place(...sizes) {
      let end = 1024; // clear of address 0
      const places = sizes.map((size) => {
        const at = end;
        end += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
        return at;
      });
      if (end > memory.buffer.byteLength) throw new RangeError(`${end} bytes do not fit into the arena`);
      return places as { [I in keyof typeof sizes]: Pointer };
    },
    bytes: (at, count) => new Uint8Array(memory.buffer, at, count),
    shorts: (at, count) => new Int16Array(memory.buffer, at, count),
    words: (at, count) => new Uint32Array(memory.buffer, at, count),
    floats: (at, count) => new Float32Array(memory.buffer, at, count),
    doubles: (at, count) => new Float64Array(memory.buffer, at, count),
  };
}
