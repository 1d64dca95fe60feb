import type { Precision } from "../model/protocol.ts";

export type Half = Exclude<Precision, "float32">;

/**
 * Rounds float32 numbers to the nearest of 16 bits, ties to even, and leaves them as float32: what those bits stand for.
 * Beyond the largest finite one comes infinity; NaN stays NaN. `to` may be `from`.
 */
export function round16(from: Float32Array, to: Float32Array, precision: Half): void {
  const bits = new Int32Array(from.buffer, from.byteOffset, from.length);
  const out = new Int32Array(to.buffer, to.byteOffset, from.length);
  if (precision === "bfloat16") {
    for (let i = 0; i < bits.length; i++) {
      const b = bits[i]!;
      const magnitude = b & 0x7fffffff;
      out[i] = magnitude > INFINITY ? b : (b + 0x7fff + ((b >>> 16) & 1)) & 0xffff0000;
    }
    return;
  }
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    const magnitude = b & 0x7fffffff;
    if (magnitude >= SMALLEST_NORMAL) {
      const rounded = (magnitude + 0xfff + ((magnitude >>> 13) & 1)) & 0x7fffe000;
      const finite = rounded > LARGEST ? INFINITY : rounded;
      out[i] = magnitude > INFINITY ? b : (b & SIGN) | finite;
    } else {
      // below 2^-14 they are multiples of 2^-24, which is what float32 keeps of a number between 1/2 and 1
      const value = from[i]!;
      to[i] = value < 0 ? -(Math.fround(0.5 - value) - 0.5) : Math.fround(0.5 + value) - 0.5;
      if (value < 0 || b === SIGN) out[i] = out[i]! | SIGN;
    }
  }
}

const SIGN = 0x80000000 | 0;
const INFINITY = 0x7f800000;
/** 65504 and 2^-14. */
const LARGEST = 0x477fe000;
const SMALLEST_NORMAL = 0x38800000;
