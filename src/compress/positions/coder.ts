import type { Positions } from "../../model/tensor.ts";
import type { BitReader, BitWriter } from "../bits.ts";
import type { ByteWriter } from "../bytes.ts";

/** One way to write a support, with what it costs. */
export interface PositionCode {
  readonly headBytes: number;
  readonly bits: number;
  /** The byte-aligned part, before the values' head. */
  readonly writeHead: (writer: ByteWriter) => void;
  readonly writePositions: (writer: BitWriter) => void;
}

/** What a payload's head says of its positions. */
export interface PositionReader {
  /** How many positions there are; null when that shows only once they are read. */
  readonly count: number | null;
  /** The least number of bits that `read` will take. */
  readonly leastBits: number;
  /** Strictly rising and below the vector's length, or `bad-positions`; null means all. */
  readonly read: (
    reader: BitReader,
    place: string,
    /** To be called, where `count` is null, before memory is taken for as many positions. */
    expect: (count: number) => void,
    /** Called by those that have the bits of the values among their own, one each, with these. */
    signs?: (bits: Uint8Array) => void,
  ) => Positions | null;
  /** Where the values are not the coordinates themselves: all coordinates, made of `count` values. */
  readonly expand?: (values: Float32Array, place: string) => Float32Array;
}
