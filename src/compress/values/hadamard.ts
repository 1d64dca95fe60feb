import type { Words } from "../splitmix.ts";

/** The Walsh-Hadamard transform in place, not normalized: applied twice it is `data.length`, a power of two, times. */
function hadamard(data: Float64Array): void {
  for (let half = 1; half < data.length; half *= 2)
    for (let start = 0; start < data.length; start += 2 * half)
      for (let i = start; i < start + half; i++) {
        const a = data[i]!;
        const b = data[i + half]!;
        data[i] = a + b;
        data[i + half] = a - b;
      }
}

/** Two stages of random signs, one bit a coordinate in words of 32, the low bits first; 1 is minus. */
export interface Rotation {
  readonly first: Uint32Array;
  readonly second: Uint32Array;
}

/** The next rotation of `size` (a multiple of 32) coordinates: all words of the first stage, then of the second. */
export function drawRotation(words: Words, size: number): Rotation {
  const draw = (): Uint32Array => Uint32Array.from({ length: size / 32 }, words.next);
  return { first: draw(), second: draw() };
}

/** `data.length` times the rotated vector, in place: signs, transform, signs, transform. */
export function rotate(data: Float64Array, { first, second }: Rotation): void {
  flip(data, first);
  hadamard(data);
  flip(data, second);
  hadamard(data);
}

/** `data.length` times the vector rotated back, in place. */
export function rotateBack(data: Float64Array, { first, second }: Rotation): void {
  hadamard(data);
  flip(data, second);
  hadamard(data);
  flip(data, first);
}

function flip(data: Float64Array, signs: Uint32Array): void {
  for (let i = 0; i < data.length; i++) if ((signs[i >>> 5]! >>> (i & 31)) & 1) data[i] = -data[i]!;
}
