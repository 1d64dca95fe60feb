import { WireError } from "../../model/error.ts";
import type { Positions } from "../../model/tensor.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import type { PositionCode, PositionReader } from "./coder.ts";
import { bestRice, MAX_PARAMETER, readRising, riceBytes } from "./rice.ts";

/**
 * Golomb-Rice code of the gaps (Golomb, 1966; Rice, 1979): how many coordinates lie between one position and the
 * next, its high part in unary and its low `parameter` bits as they are. Within 2.2 % of the memoryless bound
 * H(p) at any density below a tenth.
 */
export function golombRice(support: Positions): PositionCode {
  const count = support.length;
  const gaps = gapsOf(support);
  const { parameter, bits } = bestRice(gaps);
  return {
    headBytes: varintBytes(count) + (count === 0 ? 0 : 1),
    bits,
    writeHead(writer) {
      writer.varint(count);
      if (count > 0) writer.uint8(parameter);
    },
    writePositions: (writer) => writer.append(riceBytes(gaps, [parameter, parameter], bits), bits),
  };
}

export function readGolombRice(reader: ByteReader, length: number): PositionReader {
  const count = readPositionCount(reader, 0, length);
  if (count === 0) return { count, leastBits: 0, read: () => new Uint32Array(0) };
  const parameter = reader.uint8("parameter", 0, MAX_PARAMETER);
  return {
    count,
    leastBits: count * (1 + parameter),
    read: (bits, place) =>
      readRising(bits, count, { parameters: [parameter, parameter], steps: [1, 1], length }, place),
  };
}

/** `count`, at least `low` (`bad-field`) and at most the vector's length (`bad-positions`). */
export function readPositionCount(reader: ByteReader, low: number, length: number): number {
  const count = reader.varint("count", low, 0xffffffff);
  if (count <= length) return count;
  throw new WireError("bad-positions", reader.placed("count"), `${count} positions in a vector of ${length}`);
}

function gapsOf(support: Positions): Uint32Array {
  const gaps = new Uint32Array(support.length);
  let next = 0;
  for (let i = 0; i < gaps.length; i++) {
    gaps[i] = support[i]! - next;
    next = support[i]! + 1;
  }
  return gaps;
}
