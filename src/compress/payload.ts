import { assert } from "../model/assert.ts";
import { WireError } from "../model/error.ts";
import type { SparseVector } from "../model/tensor.ts";
import { bitReader, bitWriter } from "./bits.ts";
import { type ByteReader, byteWriter } from "./bytes.ts";
import type { PositionReader } from "./positions/coder.ts";
import { isPositionCoderId, positionCoderName, readPositionsHead, shortestPositions } from "./positions.ts";
import type { ValueReader, ValuesSpec } from "./values/coder.ts";
import { isValueCoderId, readValueHead, valueCoder, valueCoderName } from "./values.ts";

/**
 * The bytes of one flat vector, as docs/wire-format.md has them: coders, head of the positions, head of the values,
 * then position bits and value bits without a gap. `vector` must be quantized already. A support that covers
 * everything is null, and one that does not holds no zeros.
 */
export function writePayload(spec: ValuesSpec, { support, values, length }: SparseVector): Uint8Array {
  const positions = shortestPositions(support, length);
  const coder = valueCoder(spec);
  const writer = byteWriter();
  writer.uint8(coder.id | (positions.id << 4));
  positions.writeHead(writer);
  if (values.length > 0) coder.writeHead(writer, values);
  const numBits = positions.bits + values.length * coder.bitsPerValue;
  const bits = bitWriter(writer.region(Math.ceil(numBits / 8)));
  positions.writePositions(bits);
  coder.writeValues(bits, values);
  bits.flush();
  return writer.written().slice();
}

/**
 * Reads a payload to its end, for a vector of `length` (1 or more). Memory is taken only for what the bytes at hand
 * can fill. `agreed` is how the values must be coded; null takes any known coder.
 */
export function readPayload(reader: ByteReader, length: number, agreed: ValuesSpec | null): SparseVector {
  assert(length >= 1, "a payload carries a vector with coordinates");
  const { positions, values } = readPayloadHead(reader, length, agreed);
  const place = reader.placed("bits");
  const bits = bitReader(reader.bytes("bits", reader.remaining()), place);
  const leastBits = positions.leastBits + (positions.count ?? 0) * (values?.bitsPerValue ?? 0);
  if (leastBits > bits.remaining())
    throw new WireError("truncated", place, `needs ${leastBits} bits or more, has ${bits.remaining()}`);

  const support = positions.read(bits, place);
  const count = support === null ? length : support.length;
  const sent = values === null ? new Float32Array(0) : values.read(bits, count, place);
  bits.end();
  if (support !== null && sent.includes(0))
    throw new WireError("bad-field", place, `value ${sent.indexOf(0)} is zero, and sent nevertheless`);
  return { length, support, values: sent };
}

/**
 * The byte-aligned fields before the bits; no values are described when the support is empty. Values that are not
 * coded as agreed are refused first of all.
 */
export function readPayloadHead(
  reader: ByteReader,
  length: number,
  agreed: ValuesSpec | null,
): { readonly positions: PositionReader; readonly values: ValueReader | null } {
  const coders = reader.uint8("coders", 0, 255, codersText);
  const valueId = coders & 15;
  const positionId = coders >>> 4;
  if (!isValueCoderId(valueId) || !isPositionCoderId(positionId))
    throw new WireError("bad-codec", reader.placed("coders"), codersText(coders));
  if (agreed !== null && valueCoder(agreed).id !== valueId)
    throw new WireError(
      "bad-codec",
      reader.placed("coders"),
      `${codersText(coders)}, agreed was ${textOf(agreed)}`,
    );
  const positions = readPositionsHead(reader, positionId, length);
  if (positions.count === 0) return { positions, values: null };
  const values = readValueHead(reader, valueId);
  if (agreed !== null && textOf(values.spec) !== textOf(agreed))
    throw new WireError(
      "bad-codec",
      reader.placed("bits per value"),
      `${textOf(values.spec)}, agreed was ${textOf(agreed)}`,
    );
  return { positions, values };
}

const textOf = (spec: ValuesSpec): string =>
  typeof spec === "string" ? spec : `uniform to ${spec.uniform} bits`;

function codersText(coders: number): string {
  const [valueId, positionId] = [coders & 15, coders >>> 4];
  const values = isValueCoderId(valueId) ? valueCoderName(valueId) : `unknown value coder ${valueId}`;
  const positions = isPositionCoderId(positionId)
    ? positionCoderName(positionId)
    : `unknown position coder ${positionId}`;
  return `${values}, ${positions}`;
}
