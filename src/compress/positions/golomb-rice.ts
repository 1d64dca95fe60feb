import { WireError } from "../../model/error.ts";
import type { Positions } from "../../model/tensor.ts";
import type { BitReader } from "../bits.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import type { PositionCode, PositionReader } from "./coder.ts";

/**
 * Golomb-Rice code of the gaps (Golomb, 1966; Rice, 1979): how many coordinates lie between one position and the
 * next, its high part in unary and its low `parameter` bits as they are. Within 2.2 % of the memoryless bound
 * H(p) at any density below a tenth.
 */
export function golombRice(support: Positions): PositionCode {
  const count = support.length;
  const { parameter, bits } = bestParameter(support);
  return {
    headBytes: varintBytes(count) + (count === 0 ? 0 : 1),
    bits,
    writeHead(writer) {
      writer.varint(count);
      if (count > 0) writer.uint8(parameter);
    },
    writePositions(writer) {
      const low = (1 << parameter) - 1;
      let next = 0;
      for (const position of support) {
        const gap = position - next;
        writer.unary(gap >>> parameter);
        writer.write(gap & low, parameter);
        next = position + 1;
      }
    },
  };
}

export function readGolombRice(reader: ByteReader, length: number): PositionReader {
  const count = reader.varint("count", 0, 0xffffffff);
  if (count > length)
    throw new WireError(
      "bad-positions",
      reader.placed("count"),
      `${count} positions in a vector of ${length}`,
    );
  if (count === 0) return { count, leastBits: 0, read: () => new Uint32Array(0) };
  const parameter = reader.uint8("parameter", 0, MAX_PARAMETER);
  return {
    count,
    leastBits: count * (1 + parameter),
    read: (bits, place) => readGaps(bits, count, parameter, length, place),
  };
}

function readGaps(
  reader: BitReader,
  count: number,
  parameter: number,
  length: number,
  place: string,
): Positions {
  const positions = new Uint32Array(count);
  let next = 0;
  for (let i = 0; i < count; i++) {
    // No gap reaches beyond the end, so neither does its unary part: a run of zeros is never followed blindly.
    const high = reader.unary(Math.max(0, length - 1 - next) >>> parameter);
    const position = next + high * 2 ** parameter + reader.read(parameter);
    if (position >= length)
      throw new WireError("bad-positions", place, `position ${position} in a vector of ${length}`);
    positions[i] = position;
    next = position + 1;
  }
  return positions;
}

const MAX_PARAMETER = 24;

/**
 * The parameter with the least bits. The high parts shrink by ever less as the parameter grows, so the cost is
 * convex in it and the first rise ends the search.
 */
function bestParameter(support: Positions): { parameter: number; bits: number } {
  let parameter = 0;
  let bits = costOf(support, 0);
  for (; parameter < MAX_PARAMETER; parameter++) {
    const more = costOf(support, parameter + 1);
    if (more >= bits) break;
    bits = more;
  }
  return { parameter, bits };
}

function costOf(support: Positions, parameter: number): number {
  let bits = support.length * (1 + parameter);
  let next = 0;
  for (const position of support) {
    bits += (position - next) >>> parameter;
    next = position + 1;
  }
  return bits;
}
