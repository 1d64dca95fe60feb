import { rangeDecoder, rangeEncoder } from "../../kernels/range-coder.ts";
import { WireError } from "../../model/error.ts";
import type { Positions } from "../../model/tensor.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import { decodeCount, encodeCount, expectedCount } from "../history/counts.ts";
import { decodeGaps, encodeGaps } from "../history/gaps.ts";
import { type ClassIndex, classIndex, NUM_CLASSES, type TensorPrior } from "../history/prior.ts";
import type { PositionCode, PositionReader } from "./coder.ts";
import { readPositionCount } from "./golomb-rice.ts";

/**
 * Positions by the probability classes of a prior: how many are of each class, from the most probable on, and then their
 * gaps among the coordinates of the class.
 */
export function historyPositions(support: Positions, prior: TensorPrior): PositionCode {
  const bytes = encoded(support, prior);
  return {
    headBytes: varintBytes(support.length) + 4 + varintBytes(bytes.length),
    bits: 8 * bytes.length,
    writeHead(writer) {
      writer.varint(support.length);
      writer.uint32(prior.digest);
      writer.varint(bytes.length);
    },
    writePositions: (writer) => writer.append(bytes, 8 * bytes.length),
  };
}

/** Without the prior of its digest the head is read, and nothing else (`prior-mismatch`). */
export function readHistoryPositions(
  reader: ByteReader,
  length: number,
  prior: TensorPrior | null,
): PositionReader {
  const count = readPositionCount(reader, 1, length);
  const digest = reader.uint32("prior");
  const numBytes = reader.varint("bytes", 0, MAX_BYTES_PER_GAP * count + MAX_BYTES_OF_COUNTS);
  return {
    count,
    leastBits: 8 * numBytes,
    read(bits, place) {
      if (prior === null || prior.digest !== digest)
        throw new WireError("prior-mismatch", place, `coded with history ${hex(digest)}, ${held(prior)}`);
      const bytes = bits.ahead(numBytes);
      bits.skip(8 * numBytes);
      return decoded(bytes, count, classIndex(prior), place);
    },
  };
}

function encoded(support: Positions, prior: TensorPrior): Uint8Array {
  const { members, starts } = classIndex(prior);
  const classes = prior.planes[0]!;
  const places = Array.from({ length: NUM_CLASSES }, (): number[] => []);
  for (const position of support) {
    const c = classes[position]!;
    places[c]!.push(placeOf(members, starts[c]!, starts[c + 1]!, position) - starts[c]!);
  }
  const sizes = sizesOf(starts);
  const encoder = rangeEncoder();
  let left = support.length;
  for (let c = 0; c < NUM_CLASSES; c++) {
    encodeCount(encoder, places[c]!.length, expectedCount(left, sizes, c));
    left -= places[c]!.length;
    encodeGaps(encoder, places[c]!, sizes[c]!);
  }
  return encoder.finish();
}

function decoded(bytes: Uint8Array, count: number, index: ClassIndex, place: string): Positions {
  const { members, starts } = index;
  const sizes = sizesOf(starts);
  const decoder = rangeDecoder(bytes);
  const positions = new Uint32Array(count);
  let at = 0;
  for (let c = 0; c < NUM_CLASSES && at < count; c++) {
    const inClass = decodeCount(decoder, expectedCount(count - at, sizes, c));
    if (inClass < 0) throw new WireError("bad-positions", place, `more positions of class ${c} than it has`);
    const places = decodeGaps(decoder, inClass, sizes[c]!);
    for (let i = 0; i < inClass; i++) positions[at + i] = members[starts[c]! + places[i]!]!;
    at += inClass;
  }
  if (decoder.taken() < bytes.length)
    throw new WireError("trailing", place, `${bytes.length - decoder.taken()} bytes after the last bin`);
  if (bytes.at(-1) === 0 || !decoder.isLast())
    throw new WireError("bad-field", place, "does not end as an encoder ends it");
  return positions.sort();
}

/** Where the class's coordinates, which rise, have this one. */
function placeOf(members: Uint32Array, start: number, end: number, position: number): number {
  let [low, high] = [start, end - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (members[middle]! < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

const sizesOf = (starts: Uint32Array): Uint32Array =>
  Uint32Array.from({ length: NUM_CLASSES }, (_, c) => starts[c + 1]! - starts[c]!);

const hex = (digest: number): string => digest.toString(16).padStart(8, "0");

const held = (prior: TensorPrior | null): string =>
  prior === null ? "none is held" : `${hex(prior.digest)} is held`;

/** 32 digits at 15 bits, at worst. */
const MAX_BYTES_PER_GAP = 60;
/** Of every class some 64 even bins, at worst. */
const MAX_BYTES_OF_COUNTS = 8 * NUM_CLASSES + 4;
