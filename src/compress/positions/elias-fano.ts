import { WireError } from "../../model/error.ts";
import type { Positions } from "../../model/tensor.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import type { PositionCode, PositionReader } from "./coder.ts";
import { readPositionCount } from "./golomb-rice.ts";

/**
 * Elias-Fano code (Elias, 1974; Fano, 1971): of every position the low floor(log2(length / count)) bits as they are,
 * and then the high parts, each as its distance to the one before in unary. It needs no parameter, a byte that counts
 * where few are sent.
 */
export function eliasFano(support: Positions, length: number): PositionCode {
  const count = support.length;
  const width = lowWidth(count, length);
  return {
    headBytes: varintBytes(count),
    bits: count * (1 + width) + (support[count - 1]! >>> width),
    writeHead: (writer) => writer.varint(count),
    writePositions(writer) {
      const low = 2 ** width - 1;
      for (const position of support) writer.write(position & low, width);
      let before = 0;
      for (const position of support) {
        const high = position >>> width;
        writer.unary(high - before);
        before = high;
      }
    },
  };
}

export function readEliasFano(reader: ByteReader, length: number): PositionReader {
  const count = readPositionCount(reader, 1, length);
  const width = lowWidth(count, length);
  return {
    count,
    leastBits: count * (1 + width),
    read(bits, place) {
      const positions = new Uint32Array(count);
      for (let i = 0; i < count; i++) positions[i] = bits.read(width);
      const highest = Math.floor((length - 1) / 2 ** width);
      let high = 0;
      let least = 0;
      for (let i = 0; i < count; i++) {
        high += bits.unary(highest - high);
        const position = high * 2 ** width + positions[i]!;
        if (position < least || position >= length)
          throw new WireError(
            "bad-positions",
            place,
            `position ${position}, expected ${least} to ${length - 1}`,
          );
        positions[i] = position;
        least = position + 1;
      }
      return positions;
    },
  };
}

/** floor(log2(length / count)), in integers; at most 24, the most bits that are read at once. */
function lowWidth(count: number, length: number): number {
  let width = 0;
  while (width < 24 && count * 2 ** (width + 1) <= length) width++;
  return width;
}
