import { codecKernels } from "../../kernels/codec.ts";
import type { Words } from "../splitmix.ts";

/** Two stages of random signs, one bit a coordinate in words of 32, the low bits first; 1 is minus. */
export interface Rotation {
  readonly first: Uint32Array;
  readonly second: Uint32Array;
}

/** The next rotation of `size` (a multiple of 32) coordinates: all words of the first stage, then of the second. */
export function drawRotation(words: Words, size: number): Rotation {
  const draw = (): Uint32Array => {
    const signs = new Uint32Array(size / 32);
    for (let i = 0; i < signs.length; i++) signs[i] = words.next();
    return signs;
  };
  return { first: draw(), second: draw() };
}

/** `data.length` times the rotated vector, in place: signs, Walsh-Hadamard transform, signs, transform. */
export const rotate = (data: Float64Array, { first, second }: Rotation): void =>
  codecKernels(data.length).rotate(data, first, second);

/** Into `sums`, `sums.length` times the vector rotated back that has an entry of `table` for every code. */
export const rotateBack = (
  codes: Uint8Array,
  table: Float64Array,
  { first, second }: Rotation,
  sums: Float64Array,
): void => codecKernels(sums.length).rotateBack(codes, table, first, second, sums);
