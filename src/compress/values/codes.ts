import type { BitReader, BitWriter } from "../bits.ts";
import {
  type Frequencies,
  frequenciesOf,
  frequencyBits,
  ransBits,
  ransEncode,
  readFrequencies,
  readRans,
  writeFrequencies,
  writeRans,
} from "../entropy/rans.ts";

/** Codes of `width` bits (1 to 8) as they are, or by rANS with a table of how often each comes: the shorter way. */
export interface WrittenCodes {
  readonly isRans: boolean;
  readonly bits: number;
  readonly write: (writer: BitWriter) => void;
}

export function shorterCodes(codes: Uint32Array, width: number): WrittenCodes {
  const plain = width * codes.length;
  const counts = new Uint32Array(2 ** width);
  for (const code of codes) counts[code]! += 1;
  const frequencies = frequenciesOf(counts);
  // a cheap bound first: most messages of a few codes cannot win
  if (frequencyBits(frequencies) + entropyBits(counts, codes.length) < plain) {
    const code = ransEncode(Uint8Array.from(codes), frequencies);
    const bits = frequencyBits(frequencies) + ransBits(code);
    if (bits < plain)
      return {
        isRans: true,
        bits,
        write(writer) {
          writeFrequencies(writer, frequencies);
          writeRans(writer, code);
        },
      };
  }
  return {
    isRans: false,
    bits: plain,
    write(writer) {
      for (const code of codes) writer.write(code, width);
    },
  };
}

function entropyBits(counts: Uint32Array, total: number): number {
  let bits = 0;
  for (const n of counts) if (n > 0) bits -= n * Math.log2(n / total);
  return bits;
}

/** `count` codes, one after the other: `next` is called `count` times at most. */
export function codeReader(
  reader: BitReader,
  width: number,
  isRans: boolean,
  count: number,
  place: string,
): () => number {
  if (!isRans) return () => reader.read(width);
  const frequencies: Frequencies = readFrequencies(reader, 2 ** width, place);
  const symbols = readRans(reader, frequencies, count, place);
  let at = 0;
  return () => symbols[at++]!;
}
