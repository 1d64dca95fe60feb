import { roundTiesToEven } from "./rounding.ts";

/**
 * Adds to the sum at each position, an integer, weight * value * perQuantum, which is at most 2^51, rounded to an
 * integer, ties to even. There is no kernel of it in WebAssembly: all the sums would have to go into its memory for the few
 * that change. Four at a time, because V8 makes slow code of the plain loop where it inlines it.
 */
export function scatterOnGrid(
  sums: Float64Array,
  positions: Uint32Array,
  values: Float32Array,
  weight: number,
  perQuantum: number,
): void {
  const { length } = values;
  const quanta = (i: number): number => roundTiesToEven(weight * values[i]! * perQuantum);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    sums[positions[i]!]! += quanta(i);
    sums[positions[i + 1]!]! += quanta(i + 1);
    sums[positions[i + 2]!]! += quanta(i + 2);
    sums[positions[i + 3]!]! += quanta(i + 3);
  }
  for (; i < length; i++) sums[positions[i]!]! += quanta(i);
}
