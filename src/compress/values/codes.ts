import { codecKernels } from "../../kernels/codec.ts";
import type { BitReader, BitWriter } from "../bits.ts";
import {
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

export function shorterCodes(codes: Uint8Array, width: number): WrittenCodes {
  const plain = width * codes.length;
  const counts = codecKernels(codes.length)
    .countBytes(codes)
    .subarray(0, 2 ** width);
  const frequencies = frequenciesOf(counts);
  // a cheap bound first: most messages of a few codes cannot win
  if (frequencyBits(frequencies) + entropyBits(counts, codes.length) < plain) {
    const code = ransEncode(codes, frequencies);
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
    write: (writer) => writer.writeAll(codes, width),
  };
}

function entropyBits(counts: Uint32Array, total: number): number {
  let bits = 0;
  for (const n of counts) if (n > 0) bits -= n * Math.log2(n / total);
  return bits;
}

export const readCodes = (
  reader: BitReader,
  width: number,
  isRans: boolean,
  count: number,
  place: string,
): Uint8Array =>
  isRans
    ? readRans(reader, readFrequencies(reader, 2 ** width, place), count, place)
    : reader.readAll(count, width);
