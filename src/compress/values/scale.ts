import { codecKernels } from "../../kernels/codec.ts";
import { WireError } from "../../model/error.ts";
import type { ByteReader } from "../bytes.ts";

export const MAX_FLOAT32 = 2 ** 128 - 2 ** 104;

/** The mean magnitude, summed in float64 in order and rounded once: at most the largest. It may round to zero. */
export function meanMagnitude(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
  return Math.fround(sum / values.length);
}

export const maxMagnitude = (values: Float32Array): number =>
  codecKernels(values.length).maxMagnitude(values);

/** The float32 that stands for level c of -L..L: scale * c is exact in float64, so this is the same on every engine. */
export const levelValue = (scale: number, c: number, numSteps: number): number =>
  Math.fround((scale * c) / numSteps) + 0;

/** `levelValue` of all levels, by their code numSteps + c. */
export const levelTable = (scale: number, numSteps: number): Float32Array =>
  Float32Array.from({ length: 2 * numSteps + 1 }, (_, code) => levelValue(scale, code - numSteps, numSteps));

/**
 * The scale to send, a float32: `wanted`, or where a value made from it would be above `bound`, the largest below it
 * with which none is. `largest` is the largest magnitude that a scale makes.
 */
export function scaleWithin(wanted: number, bound: number, largest: (scale: number) => number): number {
  let scale = Math.fround(Math.min(wanted, MAX_FLOAT32));
  const most = largest(scale);
  if (most <= bound) return scale;
  scale = Math.fround(scale * (bound / most));
  while (largest(scale) > bound) {
    const lower = Math.fround(scale * (1 - 2 ** -23));
    scale = lower < scale ? lower : 0;
  }
  return scale;
}

/** A finite float32 that is not negative (nor minus zero). */
export function readScale(reader: ByteReader, field: string): number {
  const scale = reader.float32(field);
  checkScale(scale, reader.placed(field));
  return scale;
}

export function checkScale(scale: number, place: string): void {
  if (scale < 0 || Object.is(scale, -0))
    throw new WireError("bad-field", place, `scale ${scale}, expected 0 or more`);
}
