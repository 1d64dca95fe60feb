import {
  type RangeDecoder,
  type RangeEncoder,
  rangeDecoder,
  rangeEncoder,
} from "../../kernels/range-coder.ts";
import { WireError } from "../../model/error.ts";
import type { Positions } from "../../model/tensor.ts";
import { type BitReader, bitWriter } from "../bits.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import { decodeCount, encodeCount, expectedCount } from "../history/counts.ts";
import { decodeGaps, encodeGaps } from "../history/gaps.ts";
import { type ClassIndex, classIndex, NUM_CLASSES, type TensorPrior } from "../history/prior.ts";
import { decodeSigns, encodeSigns } from "../history/signs.ts";
import type { PositionCode, PositionReader } from "./coder.ts";
import { readPositionCount } from "./golomb-rice.ts";

/**
 * Positions by the probability classes of a prior: how many are of each class, from the most probable on, and then their
 * gaps among the coordinates of the class.
 */
export function historyPositions(support: Positions, prior: TensorPrior): PositionCode {
  const encoder = rangeEncoder();
  encodePlaces(encoder, support, prior);
  return codeOf(support.length, prior, encoder.finish());
}

/** And behind them the signs of their values, by those that the prior expects: `minus` has a 1 for each that is negative. */
export function historySigns(support: Positions, minus: Uint8Array, prior: TensorPrior): PositionCode {
  const encoder = rangeEncoder();
  encodePlaces(encoder, support, prior);
  encodeSigns(encoder, support, minus, prior.planes[1]!);
  return codeOf(support.length, prior, encoder.finish());
}

const codeOf = (count: number, { digest }: TensorPrior, bytes: Uint8Array): PositionCode => ({
  headBytes: varintBytes(count) + 4 + varintBytes(bytes.length),
  bits: 8 * bytes.length,
  writeHead(writer) {
    writer.varint(count);
    writer.uint32(digest);
    writer.varint(bytes.length);
  },
  writePositions: (writer) => writer.append(bytes, 8 * bytes.length),
});

/** Without the prior of its digest the head is read, and nothing else (`prior-mismatch`). */
export function readHistoryPositions(
  reader: ByteReader,
  length: number,
  prior: TensorPrior | null,
): PositionReader {
  const head = readHead(reader, length, MAX_BYTES_PER_GAP);
  return {
    count: head.count,
    leastBits: 8 * head.numBytes,
    read: (bits, place) => decoded(bits, head, prior, place, (_, positions) => positions),
  };
}

/** Likewise; the values' bits are read with the positions. */
export function readHistorySigns(
  reader: ByteReader,
  length: number,
  prior: TensorPrior | null,
): PositionReader {
  const head = readHead(reader, length, MAX_BYTES_PER_GAP + MAX_BYTES_PER_SIGN);
  return {
    count: head.count,
    leastBits: 8 * head.numBytes,
    read: (bits, place, _, signs) =>
      decoded(bits, head, prior, place, (decoder, positions, { planes }) => {
        signs?.(packed(decodeSigns(decoder, positions, planes[1]!)));
        return positions;
      }),
  };
}

interface Head {
  readonly count: number;
  readonly digest: number;
  readonly numBytes: number;
}

function readHead(reader: ByteReader, length: number, bytesPerPosition: number): Head {
  const count = readPositionCount(reader, 1, length);
  const digest = reader.uint32("prior");
  const numBytes = reader.varint("bytes", 0, bytesPerPosition * count + MAX_BYTES_OF_COUNTS);
  return { count, digest, numBytes };
}

/** The positions, and what `more` decodes behind them; refused when an encoder would write it in other bytes. */
function decoded(
  bits: BitReader,
  { count, digest, numBytes }: Head,
  prior: TensorPrior | null,
  place: string,
  more: (decoder: RangeDecoder, positions: Uint32Array, prior: TensorPrior) => Positions,
): Positions {
  if (prior === null || prior.digest !== digest)
    throw new WireError("prior-mismatch", place, `coded with history ${hex(digest)}, ${held(prior)}`);
  const bytes = bits.ahead(numBytes);
  bits.skip(8 * numBytes);
  const decoder = rangeDecoder(bytes);
  const positions = more(decoder, decodePlaces(decoder, count, classIndex(prior), place), prior);
  if (decoder.taken() < bytes.length)
    throw new WireError("trailing", place, `${bytes.length - decoder.taken()} bytes after the last bin`);
  if (bytes.at(-1) === 0 || !decoder.isLast())
    throw new WireError("bad-field", place, "does not end as an encoder ends it");
  return positions;
}

function encodePlaces(encoder: RangeEncoder, support: Positions, prior: TensorPrior): void {
  const { members, starts } = classIndex(prior);
  const classes = prior.planes[0]!;
  const places = Array.from({ length: NUM_CLASSES }, (): number[] => []);
  for (const position of support) {
    const c = classes[position]!;
    places[c]!.push(placeOf(members, starts[c]!, starts[c + 1]!, position) - starts[c]!);
  }
  const sizes = sizesOf(starts);
  let left = support.length;
  for (let c = 0; c < NUM_CLASSES; c++) {
    encodeCount(encoder, places[c]!.length, expectedCount(left, sizes, c));
    left -= places[c]!.length;
    encodeGaps(encoder, places[c]!, sizes[c]!);
  }
}

function decodePlaces(decoder: RangeDecoder, count: number, index: ClassIndex, place: string): Uint32Array {
  const { members, starts } = index;
  const sizes = sizesOf(starts);
  const positions = new Uint32Array(count);
  let at = 0;
  for (let c = 0; c < NUM_CLASSES && at < count; c++) {
    const inClass = decodeCount(decoder, expectedCount(count - at, sizes, c));
    if (inClass < 0) throw new WireError("bad-positions", place, `more positions of class ${c} than it has`);
    const places = decodeGaps(decoder, inClass, sizes[c]!);
    for (let i = 0; i < inClass; i++) positions[at + i] = members[starts[c]! + places[i]!]!;
    at += inClass;
  }
  return positions.sort();
}

function packed(minus: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(minus.length / 8));
  const writer = bitWriter(bytes);
  writer.writeAll(minus, 1);
  writer.flush();
  return bytes;
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
/** 15 bits, at worst. */
const MAX_BYTES_PER_SIGN = 2;
/** Of every class some 64 even bins, at worst. */
const MAX_BYTES_OF_COUNTS = 8 * NUM_CLASSES + 4;
