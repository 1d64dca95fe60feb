/** Digits of a magnitude's 31 bits, the highest first. */
export const DIGITS = [
  { shift: 20, width: 11 },
  { shift: 10, width: 10 },
  { shift: 0, width: 10 },
] as const;

/** The count-th largest magnitude. */
export interface Kept {
  /** Its bits; 0 when there are not as many that are not zero. */
  readonly threshold: number;
  /** How many are strictly larger. */
  readonly numAbove: number;
}

/**
 * Radix select from the highest digit down. `histogram(known, prefix, digit)` counts one digit of those magnitudes
 * whose bits agree with `prefix` in the mask `known`.
 */
export function smallestKept(
  count: number,
  histogram: (known: number, prefix: number, digit: (typeof DIGITS)[number]) => Uint32Array,
): Kept {
  let threshold = 0;
  let numAbove = 0;
  let known = 0;
  for (const digit of DIGITS) {
    const counts = histogram(known, threshold, digit);
    let place = counts.length - 1;
    while (place > 0 && numAbove + counts[place]! < count) numAbove += counts[place--]!;
    threshold |= place << digit.shift;
    known |= (counts.length - 1) << digit.shift;
  }
  return { threshold, numAbove };
}
