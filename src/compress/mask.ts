import { WireError } from "../model/error.ts";
import { maskOf } from "../model/masks.ts";
import { type Positions, sizeOf } from "../model/tensor.ts";
import { bitReader, bitWriter } from "./bits.ts";
import { type ByteReader, byteReader, byteWriter } from "./bytes.ts";
import { blocksOf } from "./positions/blocks.ts";
import type { PositionCode, PositionReader } from "./positions/coder.ts";
import { drawPositions } from "./positions/seed.ts";
import { readSlice, sliceCode } from "./positions/slice.ts";
import {
  blockedPositions,
  isPositionCoderId,
  type PositionCoderId,
  positionCoderName,
  readPositionsHead,
  seededPositions,
  shortestPositions,
} from "./positions.ts";

/** Of the position coders up to here any vector's positions can be written by; others need a matrix. */
const LAST_CODER = 7;
/** Beyond the ids of the position coders, since only a mask knows a shape. */
const SLICE = 16;

/** A way to write a mask, with its id. */
type Form = PositionCode & { readonly id: PositionCoderId | typeof SLICE };

/**
 * The mask of a tensor as docs/wire-format.md has it: of all the forms that it has, the shortest. `seed` may say what
 * its positions were drawn from.
 */
export function encodeMask(mask: Positions | null, shape: readonly number[], seed?: number): Uint8Array {
  const best = formsOf(mask, shape, seed).reduce((a, b) => (bytesOf(b) < bytesOf(a) ? b : a));
  const writer = byteWriter();
  writer.uint8(best.id);
  best.writeHead(writer);
  const bits = bitWriter(writer.region(Math.ceil(best.bits / 8)));
  best.writePositions(bits);
  bits.flush();
  return writer.written().slice();
}

/** Throws WireError; takes memory only for what the bytes can fill, and else for the tensor's coordinates. */
export function decodeMask(bytes: Uint8Array, shape: readonly number[], place: string): Positions | null {
  const reader = byteReader(bytes, place);
  const length = sizeOf(shape);
  const positions = readMaskHead(reader, shape);
  const bits = bitReader(reader.bytes("bits", reader.remaining()), reader.placed("bits"));
  if (positions.leastBits > bits.remaining())
    throw new WireError("truncated", reader.placed("bits"), `needs ${positions.leastBits} bits or more`);
  const mask = positions.read(bits, reader.placed("bits"), () => {});
  bits.end();
  // One form only, so that whether a client owns everything shows in a byte.
  if (mask !== null && maskOf(mask, length) === null)
    throw new WireError("bad-positions", place, "a mask of all coordinates that is not written as all");
  return mask;
}

/** The byte-aligned part; without a shape, which a description does not know, a slice is read to the end. */
export function readMaskHead(reader: ByteReader, shape: readonly number[] | null): PositionReader {
  const form = reader.uint8("form", 0, 255, formText);
  if (form === SLICE) return readSlice(reader, shape);
  if (!isMaskCoder(form)) throw new WireError("bad-codec", reader.placed("form"), formText(form));
  return readPositionsHead(reader, form, shape === null ? Number.MAX_SAFE_INTEGER : sizeOf(shape));
}

function formsOf(
  mask: Positions | null,
  shape: readonly number[],
  seed: number | undefined,
): readonly Form[] {
  const length = sizeOf(shape);
  const general = shortestPositions(mask, length);
  if (mask === null || mask.length === 0) return [general];
  const slice = sliceCode(mask, shape);
  // Of equals the first is taken: a rule is quicker to read than a list.
  return [
    ...(slice === null ? [] : [{ id: SLICE, ...slice } as const]),
    ...blocksOf(mask, length).map((blocks) => blockedPositions(mask, length, blocks)),
    ...(seed !== undefined && isDrawn(mask, seed, length) ? [seededPositions(seed, mask.length)] : []),
    general,
  ];
}

function isDrawn(mask: Positions, seed: number, length: number): boolean {
  const drawn = drawPositions(seed, mask.length, length);
  return mask.every((at, i) => at === drawn[i]);
}

const isMaskCoder = (form: number): form is PositionCoderId => form <= LAST_CODER;

const bytesOf = ({ headBytes, bits }: Form): number => headBytes + Math.ceil(bits / 8);

const formText = (form: number): string =>
  form === SLICE ? "slice" : isPositionCoderId(form) ? positionCoderName(form) : `unknown form ${form}`;
