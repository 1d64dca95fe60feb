import { WireError } from "../../model/error.ts";
import type { Positions } from "../../model/tensor.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import { binContexts, type RangeDecoder, rangeDecoder, rangeEncoder } from "../entropy/range-coder.ts";
import type { PositionCode, PositionReader } from "./coder.ts";
import { readPositionCount } from "./golomb-rice.ts";

/**
 * Gaps by the adaptive range coder: of gap + 1, a number of n + 1 binary digits, n in unary and then the digits below
 * the first. Bins of n learn by how large the gap before was, the three highest digits by n and by one another; lower
 * ones are as good as random. Finds the distribution of the gaps by itself, and so gets below the memoryless bound
 * H(p) where coordinates come in clusters or tensors differ in density.
 */
export function rangeGaps(support: Positions): PositionCode {
  const encoder = rangeEncoder();
  const contexts = gapContexts();
  let size = MIDDLE;
  let next = 0;
  for (const position of support) {
    const value = position - next + 1;
    const n = 31 - Math.clz32(value);
    for (let i = 0; i <= n; i++) encoder.encode(i < n ? 0 : 1, contexts.digits, unaryContext(size, i));
    let node = 1;
    for (let d = n - 1; d >= 0; d--) {
      const bit = (value >>> d) & 1;
      if (node < TREE) encoder.encode(bit, contexts.high, n * TREE + node);
      else encoder.encodeEven(bit);
      node = 2 * node + bit;
    }
    size = sizeOf(n);
    next = position + 1;
  }
  const bytes = encoder.finish();
  return {
    headBytes: varintBytes(support.length) + varintBytes(bytes.length),
    bits: 8 * bytes.length,
    writeHead(writer) {
      writer.varint(support.length);
      writer.varint(bytes.length);
    },
    writePositions(writer) {
      for (const byte of bytes) writer.write(byte, 8);
    },
  };
}

export function readRangeGaps(reader: ByteReader, length: number): PositionReader {
  const count = readPositionCount(reader, 1, length);
  const numBytes = reader.varint("bytes", 0, MAX_BYTES_PER_GAP * count + 4);
  return {
    count,
    leastBits: 8 * numBytes,
    read(bits, place) {
      const bytes = new Uint8Array(numBytes);
      for (let i = 0; i < numBytes; i++) bytes[i] = bits.read(8);
      const decoder = rangeDecoder(bytes, place);
      const positions = readGaps(decoder, count, length, place);
      decoder.end();
      return positions;
    },
  };
}

function readGaps(decoder: RangeDecoder, count: number, length: number, place: string): Positions {
  const positions = new Uint32Array(count);
  const contexts = gapContexts();
  let size = MIDDLE;
  let next = 0;
  for (let k = 0; k < count; k++) {
    const highest = length - next; // of gap + 1
    let n = 0;
    while (decoder.decode(contexts.digits, unaryContext(size, n)) === 0)
      if (2 ** ++n > highest) throw beyond(place, k, length);
    let value = 1;
    for (let d = n - 1; d >= 0; d--) {
      const bit = value < TREE ? decoder.decode(contexts.high, n * TREE + value) : decoder.decodeEven();
      value = 2 * value + bit;
    }
    if (value > highest) throw beyond(place, k, length);
    positions[k] = next + value - 1;
    next += value;
    size = sizeOf(n);
  }
  return positions;
}

const beyond = (place: string, k: number, length: number): WireError =>
  new WireError("bad-positions", place, `position ${k} is beyond ${length - 1}`);

/** Digits below the first: a length has at most 32. */
const MAX_DIGITS = 32;
/** Nodes of a tree of three digits, numbered as the digits read so far with a one before them. */
const TREE = 8;
/** Rooms for how large the gap before was, and the one at the start. */
const MIDDLE = 1;
/** 32 bins of unary and 32 digits at 15 bits, at worst. */
const MAX_BYTES_PER_GAP = 120;

const sizeOf = (n: number): number => (n < 3 ? 0 : n < 6 ? MIDDLE : 2);
const unaryContext = (size: number, i: number): number => size * MAX_DIGITS + i;

const gapContexts = () => ({ digits: binContexts(3 * MAX_DIGITS), high: binContexts(MAX_DIGITS * TREE) });
