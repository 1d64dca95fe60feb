import { toDense } from "../../dist/model/tensor.js";

/**
 * What is wrong with a decoded vector, or null. Everything a decoder promises, whatever the bytes were: the length
 * that was asked for; finite values, as many as positions; positions that rise within it; no zero sent; and no
 * buffer behind it larger than `most` bytes (by default the 4 a coordinate that the length allows).
 */
export function vectorProblem({ length, support, values }, asked, most = 4 * asked) {
  if (length !== asked) return `length ${length}, asked for ${asked}`;
  const count = support === null ? length : support.length;
  if (values.length !== count) return `${values.length} values for ${count} positions`;
  for (const [name, array] of Object.entries({ values, support }))
    if (array !== null && array.buffer.byteLength > most)
      return `${array.buffer.byteLength} bytes behind ${name}, at most ${most}`;
  let last = -1;
  for (let i = 0; i < count; i++) {
    if (!Number.isFinite(values[i])) return `value ${i} is ${values[i]}`;
    if (support === null) continue;
    if (!(support[i] > last && support[i] < length)) return `position ${i} is ${support[i]}, after ${last}`;
    if (values[i] === 0) return `value ${i} is zero, and sent nevertheless`;
    last = support[i];
  }
  return null;
}

/** Where a decoded vector is not what the document says it is, to the bit, or null. */
export function deviation({ support, values }, expected) {
  if (expected.code !== undefined) return `decoded, by the document ${expected.code}`;
  if ((support === null) !== (expected.support === null)) return "everything is sent, or is not";
  if (values.length !== expected.values.length)
    return `${values.length} values, by the document ${expected.values.length}`;
  for (let i = 0; i < values.length; i++) {
    if (support !== null && support[i] !== expected.support[i])
      return `position ${i} is ${support[i]}, by the document ${expected.support[i]}`;
    if (!Object.is(values[i], expected.values[i]))
      return `value ${i} is ${values[i]}, by the document ${expected.values[i]}`;
  }
  return null;
}

/**
 * What goes wrong when the vector is encoded again, or null. Whatever was decoded is a vector to encode: the sender
 * knows to the bit what the receiver makes of it. A codec that projects (nothing left to chance, no threshold)
 * changes nothing the second time.
 */
export function recodeProblem({ codec, projects, seed }, decoded) {
  const { payload, sent } = codec.encode(toDense(decoded), seed);
  const received = codec.decode(payload, decoded.length);
  if (!isSame(received, sent)) return "encoded again, the receiver has not what the sender says it sent";
  if (projects && !isSame(codec.encode(toDense(sent), seed).sent, sent))
    return "what was quantized already changes when it is encoded again";
  return null;
}

/** To the bit: tells minus zero from zero, and no support from a full one. */
function isSame(a, b) {
  if (a.length !== b.length || (a.support === null) !== (b.support === null)) return false;
  return isSameArray(bitsOf(a.values), bitsOf(b.values)) && isSameArray(a.support ?? [], b.support ?? []);
}

export function isSameArray(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const bitsOf = (values) => new Uint32Array(values.buffer, values.byteOffset, values.length);
