import type { Positions } from "../../model/tensor.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import { splitmix32 } from "../splitmix.ts";
import type { PositionCode, PositionReader } from "./coder.ts";
import { readPositionCount } from "./golomb-rice.ts";

/** Positions that follow from a seed: only how many there are is written. */
export const seedPositions = (seed: number, count: number): PositionCode => ({
  headBytes: 4 + varintBytes(count),
  bits: 0,
  writeHead(writer) {
    writer.uint32(seed);
    writer.varint(count);
  },
  writePositions: () => {},
});

export function readSeedPositions(reader: ByteReader, length: number): PositionReader {
  const seed = reader.uint32("seed");
  const count = readPositionCount(reader, 1, length);
  return { count, leastBits: 0, read: () => drawPositions(seed, count, length) };
}

/**
 * `count` of 0..length-1, every set of them equally likely (Floyd's algorithm; Bentley and Floyd, 1987), rising. It
 * takes `length` bits of memory and a draw a position.
 */
export function drawPositions(seed: number, count: number, length: number): Positions {
  const { below } = splitmix32(seed);
  const drawn = new Uint32Array(Math.ceil(length / 32));
  const has = (i: number): boolean => ((drawn[i >>> 5]! >>> (i & 31)) & 1) === 1;
  for (let last = length - count; last < length; last++) {
    const draw = below(last + 1);
    const position = has(draw) ? last : draw;
    drawn[position >>> 5]! |= 1 << (position & 31);
  }
  const positions = new Uint32Array(count);
  let at = 0;
  drawn.forEach((bits, i) => {
    for (let left = bits; left !== 0; left &= left - 1)
      positions[at++] = 32 * i + 31 - Math.clz32(left & -left);
  });
  return positions;
}
