import type { Positions } from "../../model/tensor.ts";

/** Where in a list the entries for coordinates `from` to before `to` stand; null lists every coordinate. */
export function span(positions: Positions | null, from: number, to: number): readonly [number, number] {
  return positions === null ? [from, to] : [lowerBound(positions, from), lowerBound(positions, to)];
}

function lowerBound(positions: Positions, least: number): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
