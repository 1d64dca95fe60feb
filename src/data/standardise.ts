/** A column of numbers before they are rounded to float32. */
interface Column {
  readonly first: number;
  /** Of the differences from the first, which keep their digits however far from 0 the column is. */
  readonly mean: number;
  readonly deviation: number;
  /** The most that rounding takes off, or adds to, a difference. */
  readonly loss: number;
}

/** A column that loses more than this share of its deviation is computed in float64. */
const MAX_LOSS = 2 ** -14;

/**
 * Brings each column of [rows, columns] to mean 0 and standard deviation 1; a constant one becomes 0. Where rounding was
 * too much, as with times in seconds, its numbers are asked for once more: `exact` gives a row before it was rounded.
 */
export function standardise(
  inputs: Float32Array,
  columns: readonly Column[],
  exact: (row: number) => Float64Array,
): void {
  const far = columns.flatMap(({ loss, deviation }, i) => (loss > MAX_LOSS * deviation ? [i] : []));
  for (let i = 0; i < columns.length; i++)
    if (!far.includes(i)) standardiseRounded(inputs, i, columns.length);
  if (far.length === 0) return;
  for (let row = 0, at = 0; at < inputs.length; row++, at += columns.length) {
    const values = exact(row);
    for (const i of far) {
      const { first, mean, deviation } = columns[i]!;
      inputs[at + i] = (values[i]! - first - mean) / (deviation || 1);
    }
  }
}

function standardiseRounded(inputs: Float32Array, column: number, numColumns: number): void {
  const numRows = inputs.length / numColumns;
  let sum = 0;
  for (let i = column; i < inputs.length; i += numColumns) sum += inputs[i]!;
  const mean = sum / numRows;
  let squares = 0;
  for (let i = column; i < inputs.length; i += numColumns) squares += (inputs[i]! - mean) ** 2;
  const deviation = Math.sqrt(squares / numRows) || 1;
  for (let i = column; i < inputs.length; i += numColumns) inputs[i] = (inputs[i]! - mean) / deviation;
}

/** Gathers columns row by row. */
export interface Spread {
  add(row: Float64Array): void;
  columns(): readonly Column[];
}

export function spreadOf(numColumns: number): Spread {
  const perColumn = (): Float64Array => new Float64Array(numColumns);
  const [first, sum, squares, loss] = [perColumn(), perColumn(), perColumn(), perColumn()];
  let numRows = 0;
  return {
    add: (row) => {
      if (numRows++ === 0) first.set(row);
      for (let i = 0; i < numColumns; i++) {
        const difference = row[i]! - first[i]!;
        const rounded = Math.fround(row[i]!) - Math.fround(first[i]!);
        sum[i]! += difference;
        squares[i]! += difference ** 2;
        loss[i] = Math.max(loss[i]!, Math.abs(difference - rounded));
      }
    },
    columns: () =>
      Array.from(first, (value, i) => {
        const mean = sum[i]! / numRows;
        const deviation = Math.sqrt(Math.max(0, squares[i]! / numRows - mean ** 2));
        return { first: value, mean, deviation, loss: loss[i]! };
      }),
  };
}
