import { type CodecArena, PART } from "./codec-arena.ts";
import type { CodecExports } from "./codec-exports.ts";

/**
 * Range asymmetric numeral systems (Duda, 2013) for symbols of one byte with a static table: two states, interleaved
 * (Giesen, 2014), that take turns symbol by symbol. Frequencies are in 2^-12, one for each of at most 256 symbols and
 * 2^12 in all; states are in [2^16, 2^32), and pass 16 bits at a time.
 */
export interface RansKernels {
  /** How often each of the 256 bytes comes. */
  readonly countBytes: (bytes: Uint8Array) => Uint32Array;
  /** Of symbols that all have a frequency. */
  readonly ransEncode: (symbols: Uint8Array, frequencies: Uint16Array) => RansCode;
  /** `count` symbols, whatever the words; behind the last of these come zeros. */
  readonly ransDecode: (code: RansCode, frequencies: Uint16Array, count: number) => RansDecoded;
}

export interface RansCode {
  /** As a decoder begins with them: that of even places, and that of odd ones. */
  readonly states: readonly [number, number];
  /** Two bytes each, the low one first, in the order that a decoder takes them. */
  readonly words: Uint8Array;
}

export interface RansDecoded {
  readonly symbols: Uint8Array;
  /** As they are after the last symbol; an encoder's begin at 2^16. */
  readonly states: readonly [number, number];
  /** How many words were taken, which may be more than there are. */
  readonly numWords: number;
}

const SCALE = 2 ** 12;
const LOWEST = 2 ** 16;

/** Where each symbol's share begins. */
function startsOf(frequencies: Uint16Array): Uint32Array {
  const starts = new Uint32Array(frequencies.length);
  for (let s = 1; s < starts.length; s++) starts[s] = starts[s - 1]! + frequencies[s - 1]!;
  return starts;
}

export const scalarRans: RansKernels = {
  countBytes(bytes) {
    const counts = new Uint32Array(256);
    for (let i = 0; i < bytes.length; i++) counts[bytes[i]!]!++;
    return counts;
  },

  ransEncode(symbols, frequencies) {
    const starts = startsOf(frequencies);
    const words = new Uint8Array(2 * symbols.length); // a symbol passes at most one word
    let first = words.length;
    let [state, other] = [LOWEST, LOWEST]; // whose turn it is; the other one waits
    for (let i = symbols.length - 1; i >= 0; i--) {
      const symbol = symbols[i]!;
      const frequency = frequencies[symbol]!;
      if (state >= frequency * 2 ** 20) {
        words[--first] = state >>> 8;
        words[--first] = state;
        state >>>= 16;
      }
      const quotient = (state / frequency) >>> 0; // exact: both are integers below 2^32
      const next = quotient * SCALE + (state - quotient * frequency) + starts[symbol]!;
      state = other;
      other = next;
    }
    // symbol 0 was coded last, by the state that now waits
    return { states: [other, state], words: words.subarray(first) };
  },

  ransDecode({ states, words }, frequencies, count) {
    const starts = startsOf(frequencies);
    const symbolAt = new Uint8Array(SCALE);
    frequencies.forEach((f, symbol) => {
      symbolAt.fill(symbol, starts[symbol]!, starts[symbol]! + f);
    });
    const symbols = new Uint8Array(count);
    let [state, other] = states;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const share = state % SCALE;
      const symbol = symbolAt[share]!;
      let next = frequencies[symbol]! * (state >>> 12) + share - starts[symbol]!;
      if (next < LOWEST) {
        next = next * LOWEST + (words[at] ?? 0) + 256 * (words[at + 1] ?? 0);
        at += 2;
      }
      symbols[i] = symbol;
      state = other;
      other = next;
    }
    return { symbols, states: inPlace(state, other, count), numWords: at / 2 };
  },
};

/** The state of even places is waiting when as many as an odd number have been decoded. */
const inPlace = (turn: number, other: number, count: number): readonly [number, number] =>
  count % 2 === 0 ? [turn, other] : [other, turn];

/** The same in WebAssembly, whose loops do without a division or a branch. */
export function simdRans(wasm: CodecExports, { place, bytes, words: uint32s }: CodecArena): RansKernels {
  return {
    countBytes(all) {
      const [at, tables] = place(PART, 4 * 1024);
      const counts = uint32s(tables, 1024).fill(0);
      for (let start = 0; start < all.length; start += PART) {
        const part = all.subarray(start, start + PART);
        bytes(at, part.length).set(part);
        wasm.countBytes(at, part.length, tables);
      }
      return counts.slice(0, 256).map((n, i) => n + counts[256 + i]! + counts[512 + i]! + counts[768 + i]!);
    },

    ransEncode(symbols, frequencies) {
      const [at, table, statesAt, room] = place(PART, 16 * 256, 8, 2 * PART);
      const starts = startsOf(frequencies);
      const entries = uint32s(table, 4 * 256);
      frequencies.forEach((f, symbol) => {
        const reciprocal = f === 0 ? 0 : Math.ceil(2 ** 44 / f); // in 53 bits, so that the quotient is exact enough
        entries.set([reciprocal, Math.floor(reciprocal / 2 ** 32), f, starts[symbol]!], 4 * symbol);
      });
      const states = uint32s(statesAt, 2).fill(LOWEST);
      const words = new Uint8Array(2 * symbols.length);
      const end = room + 2 * PART;
      let first = words.length;
      for (let start = Math.floor((symbols.length - 1) / PART) * PART; start >= 0; start -= PART) {
        const part = symbols.subarray(start, start + PART);
        bytes(at, part.length).set(part);
        const out = wasm.ransEncode(at, part.length, table, statesAt, end);
        first -= end - out;
        words.set(bytes(out, end - out), first);
      }
      return { states: [states[1]!, states[0]!], words: words.subarray(first) };
    },

    ransDecode({ states, words }, frequencies, count) {
      const [at, table, statesAt, out] = place(2 * PART, 5 * SCALE, 8, PART);
      const [entries, symbolAt] = [uint32s(table, SCALE), bytes(table + 4 * SCALE, SCALE)];
      let start = 0;
      frequencies.forEach((f, symbol) => {
        symbolAt.fill(symbol, start, start + f);
        for (let i = 0; i < f; i++) entries[start++] = (i << 16) | f;
      });
      const turns = uint32s(statesAt, 2);
      turns.set(states);
      const symbols = new Uint8Array(count);
      let taken = 0;
      for (let i = 0; i < count; i += PART) {
        const length = Math.min(PART, count - i);
        const ahead = words.subarray(taken, taken + 2 * length);
        bytes(at, 2 * length)
          .fill(0, ahead.length)
          .set(ahead);
        taken += wasm.ransDecode(at, length, table, statesAt, out) - at;
        symbols.set(bytes(out, length), i);
      }
      return { symbols, states: inPlace(turns[0]!, turns[1]!, count), numWords: taken / 2 };
    },
  };
}
