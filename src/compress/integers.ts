import { WireError } from "../model/error.ts";
import { byteReader, byteWriter } from "./bytes.ts";

/**
 * A vector of 64-bit integers, of which many may be zero and all may end in the same zero bits, such as the sums of a
 * tally: docs/wire-format.md, "Integers". Every vector has one encoding.
 */
export function encodeIntegers(vector: BigInt64Array): Uint8Array {
  const { width, shift, numNonZero } = measured(vector);
  const writer = byteWriter(16);
  const sparse = isSparse(vector.length, numNonZero, width);
  writer.uint8(width + (sparse ? SPARSE : 0));
  if (width === 0) return writer.written();
  writer.uint8(shift);
  if (sparse) {
    const bitmap = writer.region(Math.ceil(vector.length / 8));
    for (let i = 0; i < vector.length; i++) if (vector[i] !== 0n) bitmap[i >> 3]! |= 1 << (i & 7);
  }
  const bytes = writer.region(width * (sparse ? numNonZero : vector.length));
  let at = 0;
  for (const value of vector) {
    if (sparse && value === 0n) continue;
    let rest = value >> BigInt(shift);
    for (let byte = 0; byte < width; byte++, rest >>= 8n) bytes[at++] = Number(rest & 255n);
  }
  return writer.written();
}

/**
 * The integers of a vector of `length`. Throws WireError; takes memory for the vector once the bytes at hand are as many
 * as they must be.
 */
export function decodeIntegers(bytes: Uint8Array, length: number, place: string): BigInt64Array {
  const reader = byteReader(bytes, place);
  const form = reader.uint8("form", 0, SPARSE + MAX_WIDTH);
  const width = form % SPARSE;
  const check = (holds: boolean, detail: string): void => {
    if (!holds) throw new WireError("bad-field", place, detail);
  };
  check(width <= MAX_WIDTH && form !== SPARSE, `form ${form}`);
  if (width === 0) {
    reader.end();
    return new BigInt64Array(length);
  }
  const shift = reader.uint8("shift", 0, 63);
  const bitmap = form >= SPARSE ? reader.bytes("bitmap", Math.ceil(length / 8)) : null;
  const count = bitmap === null ? length : countBits(bitmap);
  const coded = reader.bytes("integers", width * count);
  reader.end();
  if (bitmap !== null && length % 8 > 0)
    check(bitmap[bitmap.length - 1]! >> (length % 8) === 0, "bits beyond the vector");

  const vector = new BigInt64Array(length);
  let at = 0;
  for (let i = 0; i < length; i++) {
    if (bitmap !== null && ((bitmap[i >> 3]! >> (i & 7)) & 1) === 0) continue;
    let value = 0n;
    for (let byte = width - 1; byte >= 0; byte--) value = (value << 8n) | BigInt(coded[at + byte]!);
    at += width;
    vector[i] = BigInt.asIntN(8 * width, value) << BigInt(shift);
    if (bitmap !== null) check(value !== 0n, `integer ${i} is zero, and there nevertheless`);
    check(vector[i]! >> BigInt(shift) === BigInt.asIntN(8 * width, value), `integer ${i} exceeds 64 bits`);
  }
  const least = measured(vector);
  check(
    least.width === width && least.shift === shift,
    `${width} bytes and shift ${shift} are not the least`,
  );
  check(isSparse(length, least.numNonZero, width) === (bitmap !== null), "not the shorter form");
  return vector;
}

const MAX_WIDTH = 8;
/** Added to the width when zeros are left out. */
const SPARSE = 16;

const isSparse = (length: number, numNonZero: number, width: number): boolean =>
  Math.ceil(length / 8) + numNonZero * width < length * width;

/** The zero bits that all end in, and the bytes that what is before them takes; 0 bytes when all are zero. */
function measured(vector: BigInt64Array): { width: number; shift: number; numNonZero: number } {
  let [any, most, numNonZero] = [0n, 0n, 0];
  for (const value of vector) {
    if (value === 0n) continue;
    numNonZero++;
    any |= value;
    // of a negative number what two's complement needs beside the sign, as of a positive one
    const magnitude = value < 0n ? ~value : value;
    if (magnitude > most) most = magnitude;
  }
  if (numNonZero === 0) return { width: 0, shift: 0, numNonZero };
  const shift = trailingZeros(any);
  return { width: Math.floor((most >> BigInt(shift)).toString(2).length / 8) + 1, shift, numNonZero };
}

function trailingZeros(value: bigint): number {
  let count = 0;
  for (let rest = value; (rest & 1n) === 0n; rest >>= 1n) count++;
  return count;
}

function countBits(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) for (let rest = byte; rest > 0; rest &= rest - 1) count++;
  return count;
}
