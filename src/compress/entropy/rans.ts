import { codecKernels } from "../../kernels/codec.ts";
import type { RansCode } from "../../kernels/codec-rans.ts";
import { WireError } from "../../model/error.ts";
import type { BitReader, BitWriter } from "../bits.ts";
import { gammaBits, readGamma, writeGamma } from "./gamma.ts";

/**
 * rANS on the wire: a table of frequencies in 2^-12, then two states of 32 bits and words of 16; src/kernels/codec-rans.ts
 * says how they are made.
 */
const SCALE_BITS = 12;
const SCALE = 1 << SCALE_BITS;
/** States stay in [2^16, 2^32). */
const LOWEST = 2 ** 16;

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

/** Of symbols that all have a share. */
export const ransEncode = (symbols: Uint8Array, frequencies: Frequencies): RansCode =>
  codecKernels(symbols.length).ransEncode(symbols, frequencies);

export const ransBits = ({ words }: RansCode): number => 64 + 8 * words.length;

export function writeRans(writer: BitWriter, { states, words }: RansCode): void {
  for (const state of states) {
    writer.write(state % LOWEST, 16);
    writer.write(Math.floor(state / LOWEST), 16);
  }
  writer.append(words, 8 * words.length);
}

/** `count` symbols. The states must begin at 2^16 or above, and end where an encoder's began (`bad-field`). */
export function readRans(
  reader: BitReader,
  frequencies: Frequencies,
  count: number,
  place: string,
): Uint8Array {
  const readState = (): number => reader.read(16) + LOWEST * reader.read(16);
  const begin: RansCode["states"] = [readState(), readState()];
  if (begin.some((state) => state < LOWEST)) throw new WireError("bad-field", place, "a state below 2^16");
  const words = reader.ahead(2 * count);
  const decoded = codecKernels(count).ransDecode({ states: begin, words }, frequencies, count);
  if (16 * decoded.numWords > reader.remaining())
    throw new WireError("truncated", place, `needs ${decoded.numWords} words of rANS`);
  reader.skip(16 * decoded.numWords);
  if (decoded.states.some((state) => state !== LOWEST))
    throw new WireError("bad-field", place, "the states do not end where they began");
  return decoded.symbols;
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
