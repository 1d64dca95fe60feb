import { WireError } from "../../model/error.ts";
import type { BitReader, BitWriter } from "../bits.ts";
import { gammaBits, readGamma, writeGamma } from "./gamma.ts";

/**
 * Range asymmetric numeral systems (Duda, 2013) for symbols of one byte with a static table: two states, interleaved
 * (Giesen, 2014), that take turns symbol by symbol. Frequencies are in 2^-12; states have 32 bits, and pass 16 at a time.
 */
const SCALE_BITS = 12;
const SCALE = 1 << SCALE_BITS;
/** States stay in [2^16, 2^32). */
const LOWEST = 2 ** 16;
const NUM_STATES = 2;

/** How often each symbol comes, in 2^-12: 0 for those that do not, and 2^12 in all. */
export type Frequencies = Uint16Array;

/** The shares of these counts, of which at least one is above 0 and at most 2^12 are; every symbol counted gets one. */
export function frequenciesOf(counts: ArrayLike<number>): Frequencies {
  const total = Array.from(counts).reduce((sum, n) => sum + n, 0);
  const frequencies = Uint16Array.from(counts, (n) =>
    n === 0 ? 0 : Math.max(1, Math.floor((n * SCALE) / total)),
  );
  let left = SCALE - frequencies.reduce((sum, f) => sum + f, 0);
  // What rounding left over goes to the commonest symbol; what it took too much of comes off those that have most.
  while (left !== 0) {
    const most = frequencies.indexOf(Math.max(...frequencies));
    const change = left > 0 ? left : -Math.min(-left, Math.max(1, frequencies[most]! >> 1));
    frequencies[most]! += change;
    left -= change;
  }
  return frequencies;
}

/** Where each symbol's share begins. */
function startsOf(frequencies: Frequencies): Uint32Array {
  const starts = new Uint32Array(frequencies.length);
  for (let s = 1; s < starts.length; s++) starts[s] = starts[s - 1]! + frequencies[s - 1]!;
  return starts;
}

/** A coded message: both states as a decoder begins with them, and the words in the order that it takes them. */
export interface RansCode {
  readonly states: readonly number[];
  readonly words: Uint16Array;
}

/** Of symbols that all have a share. */
export function ransEncode(symbols: Uint8Array, frequencies: Frequencies): RansCode {
  const starts = startsOf(frequencies);
  // a symbol passes at most one word
  const words = new Uint16Array(symbols.length);
  let first = words.length;
  let state = LOWEST; // whose turn it is; the other one waits
  let other = LOWEST;
  for (let i = symbols.length - 1; i >= 0; i--) {
    const symbol = symbols[i]!;
    const frequency = frequencies[symbol]!;
    if (state >= frequency * 2 ** (32 - SCALE_BITS)) {
      words[--first] = state & (LOWEST - 1);
      state >>>= 16;
    }
    const quotient = (state / frequency) >>> 0; // exact: both are integers below 2^32
    const next = quotient * SCALE + (state - quotient * frequency) + starts[symbol]!;
    state = other;
    other = next;
  }
  // symbol 0 was coded last, by the state that now waits
  return { states: [other, state], words: words.subarray(first) };
}

export const ransBits = ({ words }: RansCode): number => 32 * NUM_STATES + 16 * words.length;

export function writeRans(writer: BitWriter, { states, words }: RansCode): void {
  for (const state of states) {
    writer.write(state % LOWEST, 16);
    writer.write(Math.floor(state / LOWEST), 16);
  }
  for (const word of words) writer.write(word, 16);
}

/** `count` symbols. The states must begin at 2^16 or above, and end where an encoder's began (`bad-field`). */
export function readRans(
  reader: BitReader,
  frequencies: Frequencies,
  count: number,
  place: string,
): Uint8Array {
  const starts = startsOf(frequencies);
  const symbolAt = new Uint8Array(SCALE);
  frequencies.forEach((frequency, symbol) => {
    symbolAt.fill(symbol, starts[symbol]!, starts[symbol]! + frequency);
  });
  const states = Array.from({ length: NUM_STATES }, () => reader.read(16) + LOWEST * reader.read(16));
  if (states.some((state) => state < LOWEST)) throw new WireError("bad-field", place, "a state below 2^16");
  const symbols = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    let state = states[i % NUM_STATES]!;
    const share = state & (SCALE - 1);
    const symbol = symbolAt[share]!;
    state = frequencies[symbol]! * (state >>> SCALE_BITS) + share - starts[symbol]!;
    if (state < LOWEST) state = state * LOWEST + reader.read(16);
    states[i % NUM_STATES] = state;
    symbols[i] = symbol;
  }
  if (states.some((state) => state !== LOWEST))
    throw new WireError("bad-field", place, "the states do not end where they began");
  return symbols;
}

export const frequencyBits = (frequencies: Frequencies): number =>
  frequencies.reduce((sum, f) => sum + gammaBits(f + 1), 0);

export function writeFrequencies(writer: BitWriter, frequencies: Frequencies): void {
  for (const frequency of frequencies) writeGamma(writer, frequency + 1);
}

/** A table of `alphabet` symbols; `bad-field` unless it adds up to 2^12. */
export function readFrequencies(reader: BitReader, alphabet: number, place: string): Frequencies {
  const frequencies = new Uint16Array(alphabet);
  let left = SCALE;
  for (let symbol = 0; symbol < alphabet; symbol++) {
    const frequency = readGamma(reader, SCALE) - 1;
    left -= frequency;
    if (left < 0) break;
    frequencies[symbol] = frequency;
  }
  if (left !== 0) throw new WireError("bad-field", place, `frequencies do not add up to ${SCALE}`);
  return frequencies;
}
