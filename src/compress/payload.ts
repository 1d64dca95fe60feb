import { codecKernels } from "../kernels/codec.ts";
import { numValues, type Values, writtenOut } from "../kernels/packed.ts";
import { assert } from "../model/assert.ts";
import { WireError } from "../model/error.ts";
import type { CodecSpec } from "../model/protocol.ts";
import { type Positions, packedVector, type SparseVector } from "../model/tensor.ts";
import { bitReader, bitWriter } from "./bits.ts";
import { type ByteReader, byteWriter } from "./bytes.ts";
import type { TensorPrior } from "./history/prior.ts";
import type { PositionReader } from "./positions/coder.ts";
import {
  type Coded,
  holdsSigns,
  isLowRank,
  isPositionCoderId,
  mayHoldZeros,
  needsPrior,
  positionCoderName,
  readPositionsHead,
  shortestPositions,
  signedPositions,
} from "./positions.ts";
import { fresh, type Scratch } from "./scratch.ts";
import type { Selected } from "./selection.ts";
import { take } from "./take.ts";
import type { Quantized, ValueCode, ValueReader, ValuesSpec } from "./values/coder.ts";
import {
  isSigns,
  isValueCoderId,
  isWhole,
  readValueHead,
  valueCoder,
  valueCoderId,
  valueCoderName,
} from "./values.ts";

export interface Encoded {
  readonly payload: Uint8Array;
  /** The same in other bytes, where the payload's can be read with the prior only. */
  readonly plain?: Uint8Array;
  /** What the receiver makes of the payload, to the bit. */
  readonly sent: SparseVector;
}

/**
 * The bytes of one flat vector, as docs/wire-format.md has them: coders, head of the positions, head of the values,
 * then position bits and value bits without a gap. Of the ways to write it the shortest; of equals, the one nearest to
 * what was selected.
 */
export function writePayload(
  spec: ValuesSpec,
  { positions, coded }: Selected,
  quantized: Quantized,
  length: number,
  prior: TensorPrior | null = null,
): Encoded {
  const { sparse } = valueCoder(spec);
  const whole = isWhole(valueCoderId(spec));
  const { values } = quantized;
  if (positions === null && !sparse) {
    const dense = form(shortestPositions(null, length), quantized, null);
    return { payload: write(valueCoderId(spec), dense), sent: { length, support: null, values } };
  }
  const places = nonZero(values);
  const forms: Form[] = [];
  if (positions === null || (places.length === length && length === positions.length))
    forms.push(form(shortestPositions(null, length), quantized, null));
  else if (coded !== null) forms.push(form(coded, quantized, null));
  const isEmpty = places.length === 0;
  const support = positions === null ? places : whole && !isEmpty ? positions : take(positions, places);
  // Absent from the support is a zero, so what became zero need not be sent.
  const sparseForm = (by: TensorPrior | null): Form =>
    form(shortestPositions(support, length, by), quantized, whole && !isEmpty ? null : places);
  forms.push(sparseForm(prior));
  if (prior !== null && isSigns(valueCoderId(spec)) && !isEmpty)
    forms.push(signedForm(support, quantized, places, prior));
  const best = forms.reduce((a, b) => (bytesOf(b) < bytesOf(a) ? b : a));
  return {
    payload: write(valueCoderId(spec), best),
    ...(needsPrior(best.positions.id) && { plain: write(valueCoderId(spec), sparseForm(null)) }),
    sent: sentOf(best, positions, values, places, length),
  };
}

/** The bytes of values that stand for the whole vector in a form of their own. */
export const writeWhole = (spec: ValuesSpec, positions: Coded, quantized: Quantized): Uint8Array =>
  write(valueCoderId(spec), form(positions, quantized, null));

interface Form {
  readonly positions: Coded;
  /** Null when there are none to write. */
  readonly values: ValueCode | null;
}

const form = (positions: Coded, quantized: Quantized, places: Uint32Array | null): Form => ({
  positions,
  values: places?.length === 0 ? null : quantized.code(places, mayHoldZeros(positions.id)),
});

/** Signs coded with the positions; of the values only what they share is written by themselves. */
function signedForm(
  support: Positions,
  { values, code }: Quantized,
  places: Uint32Array,
  prior: TensorPrior,
): Form {
  const minus = Uint8Array.from(places, (place) => (values[place]! < 0 ? 1 : 0));
  const shared: ValueCode = { ...code(places, false), bits: 0, writeValues: () => {} };
  return { positions: signedPositions(support, minus, prior), values: shared };
}

const bitsOf = ({ positions, values }: Form): number => positions.bits + (values?.bits ?? 0);

const bytesOf = (written: Form): number =>
  1 + written.positions.headBytes + (written.values?.headBytes ?? 0) + Math.ceil(bitsOf(written) / 8);

function write(valueId: number, written: Form): Uint8Array {
  const { positions, values } = written;
  const writer = byteWriter();
  writer.uint8(valueId | (positions.id << 4));
  positions.writeHead(writer);
  values?.writeHead(writer);
  const bits = bitWriter(writer.region(Math.ceil(bitsOf(written) / 8)));
  positions.writePositions(bits);
  values?.writeValues(bits);
  bits.flush();
  return writer.written().slice();
}

/** Everything when no positions were written, else what is not zero. */
function sentOf(
  { positions: { id } }: Form,
  positions: Positions | null,
  values: Float32Array,
  places: Uint32Array,
  length: number,
): SparseVector {
  if (id === 0) return { length, support: null, values };
  const support = positions === null ? places : take(positions, places);
  return { length, support, values: take(values, places) };
}

const nonZero = (values: Float32Array): Uint32Array => codecKernels(values.length).nonZero(values);

/**
 * Reads a payload to its end, for a vector of `length` (1 or more). Memory is taken only for what the bytes at hand
 * can fill; where an entropy coder, a seed or factors need no bits a coordinate, for at most some ten bytes of each of
 * the vector's coordinates. `agreed` is the plan's codec: its values must be coded so, and factors are read only if it
 * has them. Null takes any known coder. `scratch` gives memory for values that are looked at and then gone; with it they
 * may stay packed, as a view of the bytes.
 */
export function readPayload(
  reader: ByteReader,
  length: number,
  agreed: CodecSpec | null,
  scratch?: Scratch,
  prior: TensorPrior | null = null,
): SparseVector {
  assert(length >= 1, "a payload carries a vector with coordinates");
  const { positions, values, zeros, bitsPerValue } = readPayloadHead(reader, length, agreed, prior);
  const place = reader.placed("bits");
  const bits = bitReader(reader.bytes("bits", reader.remaining()), place, scratch);
  const expect = (count: number, positionBits = 0): void => {
    const least = positionBits + count * bitsPerValue;
    if (least > bits.remaining())
      throw new WireError("truncated", place, `needs ${least} bits or more, has ${bits.remaining()}`);
  };
  expect(positions.count ?? 0, positions.leastBits);
  let ofValues = bits;
  const support = positions.read(bits, place, expect, (signs) => {
    ofValues = bitReader(signs, place, scratch);
  });
  const { expand } = positions;
  const count = support === null ? (expand ? positions.count! : length) : support.length;
  expect(count);
  const sent = values === null ? new Float32Array(0) : values.read(ofValues, count, place);
  bits.end();
  if (expand) return { length, support: null, values: expand(written(sent), place) };
  const zero = support === null ? -1 : firstZero(sent);
  if (zero < 0)
    return scratch === undefined || sent instanceof Float32Array
      ? { length, support, values: written(sent) }
      : packedVector(length, support, sent, () => written(sent, scratch));
  if (!zeros) throw new WireError("bad-field", place, `value ${zero} is zero, and sent nevertheless`);
  const all = written(sent);
  const places = nonZero(all);
  return { length, support: take(support!, places), values: take(all, places) };
}

function written(values: Values, { floats }: Scratch = fresh): Float32Array {
  if (values instanceof Float32Array) return values;
  const into = floats(numValues(values));
  return "codes" in values
    ? codecKernels(into.length).lookUp(values.table, values.codes, into)
    : writtenOut(values, into);
}

/** The place of the first value that is zero; -1 when none is. */
function firstZero(values: Values): number {
  if (!("codes" in values)) return written(values).indexOf(0);
  const places = Array.from(values.table, (entry, code) => (entry === 0 ? values.codes.indexOf(code) : -1));
  return places.reduce((first, place) => (place < 0 || (first >= 0 && first < place) ? first : place), -1);
}

interface PayloadHead {
  readonly positions: PositionReader;
  /** Null when there are none. */
  readonly values: ValueReader | null;
  /** Whether a value may be zero, which takes it off the support. */
  readonly zeros: boolean;
  /** The least that a value takes behind the positions' bits. */
  readonly bitsPerValue: number;
}

/**
 * The byte-aligned fields before the bits; no values are described when the support is empty. Values that are not
 * coded as agreed are refused first of all.
 */
export function readPayloadHead(
  reader: ByteReader,
  length: number,
  agreed: CodecSpec | null,
  prior: TensorPrior | null = null,
): PayloadHead {
  const coders = reader.uint8("coders", 0, 255, codersText);
  const valueId = coders & 15;
  const positionId = coders >>> 4;
  if (!isValueCoderId(valueId) || !isPositionCoderId(positionId))
    throw new WireError("bad-codec", reader.placed("coders"), codersText(coders));
  if (agreed !== null && valueCoderId(agreed.values) !== valueId)
    throw new WireError(
      "bad-codec",
      reader.placed("coders"),
      `${codersText(coders)}, agreed was ${valueCoderName(valueCoderId(agreed.values))}`,
    );
  // a product costs many times what other payloads of as many bytes do
  if (
    agreed !== null &&
    isLowRank(positionId) &&
    !(typeof agreed.select === "object" && "lowRank" in agreed.select)
  )
    throw new WireError("bad-codec", reader.placed("coders"), `${codersText(coders)}, which was not agreed`);
  if (holdsSigns(positionId) && !isSigns(valueId))
    throw new WireError("bad-codec", reader.placed("coders"), `${codersText(coders)}: not of signs`);
  const positions = readPositionsHead(reader, positionId, length, prior);
  const zeros = mayHoldZeros(positionId);
  if (positions.count === 0) return { positions, values: null, zeros, bitsPerValue: 0 };
  const values = readValueHead(reader, valueId, agreed?.values ?? null, zeros);
  const bitsPerValue = holdsSigns(positionId) ? 0 : values.leastBits;
  return { positions, values, zeros: zeros || isWhole(valueId), bitsPerValue };
}

function codersText(coders: number): string {
  const [valueId, positionId] = [coders & 15, coders >>> 4];
  const values = isValueCoderId(valueId) ? valueCoderName(valueId) : `unknown value coder ${valueId}`;
  const positions = isPositionCoderId(positionId)
    ? positionCoderName(positionId)
    : `unknown position coder ${positionId}`;
  return `${values}, ${positions}`;
}
