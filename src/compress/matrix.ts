import { sizeOf } from "../model/tensor.ts";

/** So many rows of so many columns, one row after the other; both 1 or more. */
export interface Matrix {
  readonly rows: number;
  readonly cols: number;
}

/** A tensor as a matrix: its last axis makes the columns, the others together the rows; a vector is one row. */
export function matrixOf(shape: readonly number[]): Matrix {
  const cols = shape.at(-1) ?? 1;
  return { rows: sizeOf(shape) / cols, cols };
}
