import type { Positions } from "../model/tensor.ts";
import type { Matrix } from "./matrix.ts";

/**
 * A vector as matrices, one after the other, that are sent by the row or by the column. A column of a kernel
 * [height, width, in, out] is an output filter, of a kernel [in, out] a neuron; a row of an embedding is a word.
 */
export interface UnitLayout {
  readonly axis: "rows" | "columns";
  readonly matrices: readonly Matrix[];
}

/** How many units a matrix has, and how many coordinates each of them. */
const unitsOf = ({ rows, cols }: Matrix, axis: UnitLayout["axis"]) =>
  axis === "rows" ? { count: rows, size: cols } : { count: cols, size: rows };

export const numUnits = ({ axis, matrices }: UnitLayout): number =>
  matrices.reduce((sum, matrix) => sum + unitsOf(matrix, axis).count, 0);

/** How many coordinates these units have, which rise and are counted through all matrices. */
export function sizeOfUnits(units: Positions, layout: UnitLayout): number {
  let total = 0;
  for (const { matrix, from, to } of sections(units, layout))
    total += (to - from) * unitsOf(matrix, layout.axis).size;
  return total;
}

/** The coordinates of these units, rising. */
export function coordinatesOf(units: Positions, layout: UnitLayout): Positions {
  const positions = new Uint32Array(sizeOfUnits(units, layout));
  let at = 0;
  for (const { matrix, start, first, from, to } of sections(units, layout)) {
    const { rows, cols } = matrix;
    if (layout.axis === "rows")
      for (let u = from; u < to; u++)
        for (let j = 0; j < cols; j++) positions[at++] = start + (units[u]! - first) * cols + j;
    else
      for (let i = 0; i < rows; i++)
        for (let u = from; u < to; u++) positions[at++] = start + i * cols + units[u]! - first;
  }
  return positions;
}

/**
 * The units of largest mean square, which of one matrix are those of largest norm: jointly over all matrices, until
 * as near to this share of the coordinates as whole units come; at least one. Of equals those that come first; zeros
 * never.
 */
export function largestUnits(vector: Float32Array, layout: UnitLayout, density: number): Positions {
  const { energies, sizes } = measured(vector, layout);
  const order = Array.from(energies.keys())
    .filter((unit) => energies[unit]! > 0)
    .sort((a, b) => energies[b]! - energies[a]! || a - b);
  const wanted = density * vector.length;
  let taken = 0;
  let count = 0;
  while (count < order.length && (count === 0 || taken + sizes[order[count]!]! / 2 <= wanted))
    taken += sizes[order[count++]!]!;
  return Uint32Array.from(order.slice(0, count)).sort();
}

/** Of every unit the mean square of its coordinates, and how many they are. */
function measured(vector: Float32Array, layout: UnitLayout) {
  const energies = new Float64Array(numUnits(layout));
  const sizes = new Uint32Array(energies.length);
  let start = 0;
  let first = 0;
  for (const matrix of layout.matrices) {
    const { rows, cols } = matrix;
    const { count, size } = unitsOf(matrix, layout.axis);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < cols; j++)
        energies[first + (layout.axis === "rows" ? i : j)]! += vector[start + i * cols + j]! ** 2 / size;
    sizes.fill(size, first, first + count);
    start += rows * cols;
    first += count;
  }
  return { energies, sizes };
}

/** For every matrix that has some of the units: where it and its units begin, and which they are in the list. */
function* sections(units: Positions, { axis, matrices }: UnitLayout) {
  let [start, first, from] = [0, 0, 0];
  for (const matrix of matrices) {
    const next = first + unitsOf(matrix, axis).count;
    let to = from;
    while (to < units.length && units[to]! < next) to++;
    if (to > from) yield { matrix, start, first, from, to };
    start += matrix.rows * matrix.cols;
    first = next;
    from = to;
  }
}
