import { assert } from "../model/assert.ts";

/** log2 of what is above 0 and finite, to 2^-20, by arithmetic that every engine does alike: what is chosen by it is replayed. */
export function log2Of(value: number): number {
  assert(value > 0 && Number.isFinite(value), "a logarithm is of a number above 0");
  let [rest, whole] = [value, 0];
  for (; rest >= 2; rest /= 2) whole++;
  for (; rest < 1; rest *= 2) whole--;
  let fraction = 0;
  for (let bit = 0.5; bit >= 2 ** -20; bit /= 2) {
    rest *= rest;
    if (rest < 2) continue;
    rest /= 2;
    fraction += bit;
  }
  return whole + fraction;
}
