import { WireError } from "../../model/error.ts";
import type { ByteReader } from "../bytes.ts";

/** The mean magnitude, summed in float64 and rounded once: at most the largest, and zero only if all are. */
export function meanMagnitude(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += Math.abs(value);
  return Math.fround(sum / values.length);
}

export function maxMagnitude(values: Float32Array): number {
  let max = 0;
  for (const value of values) max = Math.max(max, Math.abs(value));
  return max;
}

/** A finite float32 that is not negative (nor minus zero). */
export function readScale(reader: ByteReader, field: string): number {
  const scale = reader.float32(field);
  if (scale < 0 || Object.is(scale, -0))
    throw new WireError("bad-field", reader.placed(field), `${scale}, expected 0 or more`);
  return scale;
}
