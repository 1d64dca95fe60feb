import { bitwiseKernels } from "../../kernels/codec.ts";
import { WireError } from "../../model/error.ts";
import type { Positions } from "../../model/tensor.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import type { PositionCode, PositionReader } from "./coder.ts";
import { readPositionCount } from "./golomb-rice.ts";

/**
 * Gaps by the adaptive range coder, which finds their distribution by itself, and so gets below the memoryless bound
 * H(p) where coordinates come in clusters or tensors differ in density.
 */
export function rangeGaps(support: Positions): PositionCode {
  const bytes = bitwiseKernels(support.length).encodeGaps(support);
  return {
    headBytes: varintBytes(support.length) + varintBytes(bytes.length),
    bits: 8 * bytes.length,
    writeHead(writer) {
      writer.varint(support.length);
      writer.varint(bytes.length);
    },
    writePositions: (writer) => writer.append(bytes, 8 * bytes.length),
  };
}

export function readRangeGaps(reader: ByteReader, length: number): PositionReader {
  const count = readPositionCount(reader, 1, length);
  const numBytes = reader.varint("bytes", 0, MAX_BYTES_PER_GAP * count + 4);
  return {
    count,
    leastBits: 8 * numBytes,
    read(bits, place) {
      const bytes = bits.ahead(numBytes);
      bits.skip(8 * numBytes);
      return readGaps(bytes, count, length, place);
    },
  };
}

/** All bytes must be taken, and the last not be zero: an encoder leaves zeros at the end out. */
function readGaps(bytes: Uint8Array, count: number, length: number, place: string): Positions {
  const { positions, numBytes } = bitwiseKernels(count).decodeGaps(bytes, count, length);
  if (positions.length < count)
    throw new WireError("bad-positions", place, `position ${positions.length} is beyond ${length - 1}`);
  if (numBytes < bytes.length)
    throw new WireError("trailing", place, `${bytes.length - numBytes} bytes after the last bin`);
  if (bytes.at(-1) === 0) throw new WireError("bad-field", place, "ends in a zero byte");
  return positions;
}

/** 32 bins of unary and 32 digits at 15 bits, at worst. */
const MAX_BYTES_PER_GAP = 120;
