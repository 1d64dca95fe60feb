import { isLittleEndian } from "./endian.ts";

/**
 * Values as a payload has them, which need not be written out to be summed: for every byte of `codes` an entry of a table
 * of at most 256 floats, or float32s of four bytes each, the low one first, at any address.
 */
export type PackedValues =
  | { readonly codes: Uint8Array; readonly table: Float32Array }
  | { readonly bytes: Uint8Array };

export type Values = Float32Array | PackedValues;

export const numValues = (values: Values): number =>
  values instanceof Float32Array
    ? values.length
    : "codes" in values
      ? values.codes.length
      : values.bytes.length / 4;

/** Those from one place to before another: of the same memory. */
export function valuesBetween<T extends Values>(values: T, from: number, to: number): T;
export function valuesBetween(values: Values, from: number, to: number): Values {
  if (values instanceof Float32Array) return values.subarray(from, to);
  return "codes" in values
    ? { codes: values.codes.subarray(from, to), table: values.table }
    : { bytes: values.bytes.subarray(4 * from, 4 * to) };
}

/** As floats; what is packed goes into `floats`, as many as there are. */
export function writtenOut(
  values: Values,
  floats: Float32Array = new Float32Array(values instanceof Float32Array ? 0 : numValues(values)),
): Float32Array {
  if (values instanceof Float32Array) return values;
  if ("codes" in values) for (let i = 0; i < floats.length; i++) floats[i] = values.table[values.codes[i]!]!;
  else if (isLittleEndian)
    new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength).set(values.bytes);
  else {
    const view = new DataView(values.bytes.buffer, values.bytes.byteOffset, values.bytes.length);
    for (let i = 0; i < floats.length; i++) floats[i] = view.getFloat32(4 * i, true);
  }
  return floats;
}
