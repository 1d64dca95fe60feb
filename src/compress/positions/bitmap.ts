import { WireError } from "../../model/error.ts";
import type { Positions } from "../../model/tensor.ts";
import type { BitReader } from "../bits.ts";
import type { PositionCode, PositionReader } from "./coder.ts";

/** One bit a coordinate, 1 where it is sent: the shortest from a density of about two fifths on. */
export function bitmap(support: Positions, length: number): PositionCode {
  return {
    headBytes: 0,
    bits: length,
    writeHead: () => {},
    writePositions(writer) {
      for (let at = 0, i = 0; at < length; at += BITS_AT_ONCE) {
        const width = Math.min(BITS_AT_ONCE, length - at);
        let word = 0;
        for (; i < support.length && support[i]! < at + width; i++) word |= 1 << (support[i]! - at);
        writer.write(word, width);
      }
    },
  };
}

export function readBitmap(length: number): PositionReader {
  return {
    count: null,
    leastBits: length,
    read(reader: BitReader, place: string): Positions {
      const positions = new Uint32Array(length);
      let count = 0;
      for (let at = 0; at < length; at += BITS_AT_ONCE) {
        let word = reader.read(Math.min(BITS_AT_ONCE, length - at));
        for (; word !== 0; word &= word - 1) positions[count++] = at + 31 - Math.clz32(word & -word);
      }
      // An empty support has one form only, Golomb-Rice with a count of zero.
      if (count === 0) throw new WireError("bad-positions", place, "the bitmap is empty");
      return positions.slice(0, count);
    },
  };
}

const BITS_AT_ONCE = 24;
