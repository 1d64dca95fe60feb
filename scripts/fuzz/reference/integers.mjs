import { fieldsOf, Refusal, require } from "./bytes.mjs";

/** What docs/wire-format.md says a vector of integers is: { integers }, or { code } of the refusal. */
export function referenceIntegers(bytes, length) {
  try {
    return { integers: decoded(fieldsOf(bytes), length) };
  } catch (error) {
    if (error instanceof Refusal) return { code: error.code };
    throw error;
  }
}

function decoded(fields, length) {
  const form = fields.uint8();
  require(form <= 8 || (form >= 17 && form <= 24), "bad-field");
  const integers = Array(length).fill(0n);
  if (form === 0) {
    fields.finish();
    return integers;
  }
  const width = form % 16;
  const shift = BigInt(fields.uint8());
  require(shift <= 63n, "bad-field");
  const bitmap = form > 16 ? fields.take(Math.ceil(length / 8)) : null;
  const places = [];
  const numBits = bitmap === null ? length : 8 * bitmap.length;
  for (let i = 0; i < numBits; i++) if (bitmap === null || (bitmap[i >> 3] >> (i % 8)) & 1) places.push(i);
  const coded = fieldsOf(fields.take(width * places.length));
  fields.finish();
  require(places.length === 0 || places.at(-1) < length, "bad-field");
  for (const i of places) {
    integers[i] = BigInt.asIntN(8 * width, coded.wide(width)) << shift;
    require(integers[i] === BigInt.asIntN(64, integers[i]), "bad-field");
    require(bitmap === null || integers[i] !== 0n, "bad-field");
  }
  require(form === formOf(integers) && shift === shiftOf(integers), "bad-field");
  return integers;
}

/** The zero bits that all end in; there must be one that is not zero. */
function shiftOf(integers) {
  let shift = 0n;
  while (integers.every((n) => n % 2n ** (shift + 1n) === 0n)) shift++;
  return shift;
}

function formOf(integers) {
  const present = integers.filter((n) => n !== 0n);
  if (present.length === 0) return 0;
  const shift = shiftOf(integers);
  let width = 1;
  while (present.some((n) => n >> shift !== BigInt.asIntN(8 * width, n >> shift))) width++;
  const isSparse = Math.ceil(integers.length / 8) + width * present.length < width * integers.length;
  return width + (isSparse ? 16 : 0);
}
