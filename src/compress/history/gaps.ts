import type { RangeDecoder, RangeEncoder } from "../../kernels/range-coder.ts";

/**
 * Gaps between `count` members of a row of `size`, of which none is likelier than another. Of a geometric variable the
 * binary digits are independent (P(digit i is 1) = x^(2^i) / (1 + x^(2^i)), x = 1 - count / size), so that a gap is some
 * log2(size) bins, whatever it is.
 */
export function encodeGaps(encoder: RangeEncoder, places: ArrayLike<number>, size: number): void {
  let next = 0;
  for (let i = 0; i < places.length; i++) {
    const left = places.length - i;
    const digits = gapDigits(left, size - next);
    const gap = places[i]! - next;
    let [value, most] = [0, size - next - left];
    for (let d = digits.length - 1; d >= 0; d--) {
      if (value + 2 ** d > most) continue;
      const bit = Math.floor(gap / 2 ** d) % 2;
      encoder.encodeAt(bit, digits[d]!);
      value += bit * 2 ** d;
    }
    next = places[i]! + 1;
  }
}

/** The places, which rise and are below `size`, whatever the bytes. */
export function decodeGaps(decoder: RangeDecoder, count: number, size: number): Uint32Array {
  const places = new Uint32Array(count);
  let next = 0;
  for (let i = 0; i < count; i++) {
    const left = count - i;
    const digits = gapDigits(left, size - next);
    const most = size - next - left;
    let value = 0;
    for (let d = digits.length - 1; d >= 0; d--)
      if (value + 2 ** d <= most && decoder.decodeAt(digits[d]!) === 1) value += 2 ** d;
    places[i] = next + value;
    next += value + 1;
  }
  return places;
}

/** Of every digit of the gap before the first of `left` members of `size`, the probability of a one in 2^-15. */
function gapDigits(left: number, size: number): readonly number[] {
  const most = size - left;
  if (most === 0) return [];
  const length = 32 - Math.clz32(most);
  if (left === 1) return new Array<number>(length).fill(2 ** 14);
  const digits: number[] = [];
  let x = ONE - Math.floor((left * ONE) / size);
  for (let d = 0; d < length; d++) {
    digits.push(Math.min(Math.max(Math.floor((x * 2 ** 15) / (ONE + x)), 1), 2 ** 15 - 1));
    x = Math.floor((x * x) / ONE);
  }
  return digits;
}

/** Squares of it are exact in float64. */
const ONE = 2 ** 26;
