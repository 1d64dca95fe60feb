import type { HistoryPlanes } from "../../kernels/codec-history.ts";
import type { HistoryState, Layout } from "./state.ts";

/** Half a power of two each: 0 of 0, else 1 + 2 floor(log2 v), and 1 more when v is 1.5 times the power or more. */
function halfLog2(v: number): number {
  if (v === 0) return 0;
  const n = 31 - Math.clz32(v);
  return 1 + 2 * n + (n === 0 ? 0 : (v >>> (n - 1)) & 1);
}

const BUCKETS = Uint8Array.from({ length: 2 ** 15 }, (_, v) => halfLog2(v));
const AGES = Uint8Array.from({ length: 256 }, (_, age) => (age === 255 ? 15 : Math.min(halfLog2(age), 14)));

/** The buckets of all tensors. */
export function planesOf(state: HistoryState, layouts: readonly Layout[]): readonly HistoryPlanes[] {
  const { age } = state;
  const { length } = age;
  const [slow, fast, ages] = [new Uint8Array(length), new Uint8Array(length), new Uint8Array(length)];
  for (let i = 0; i < length; i++) {
    slow[i] = BUCKETS[state.slow[i]!]!;
    fast[i] = BUCKETS[state.fast[i]!]!;
    ages[i] = AGES[age[i]!]!;
  }
  const [row, column] = [new Uint8Array(length), new Uint8Array(length)];
  return layouts.map(({ start, rows, cols }, place) => {
    const end = start + rows * cols;
    means(
      state.slow.subarray(start, end),
      { rows, cols },
      row.subarray(start, end),
      column.subarray(start, end),
    );
    const of = (plane: Uint8Array) => plane.subarray(start, end);
    return {
      layer: Math.min(place, 15),
      slow: of(slow),
      fast: of(fast),
      row: of(row),
      column: of(column),
      age: of(ages),
    };
  });
}

/** Of every coordinate the means over its row and over its column, in 2^-13 of the unit, as buckets. */
function means(
  slow: Uint16Array,
  { rows, cols }: { readonly rows: number; readonly cols: number },
  row: Uint8Array,
  column: Uint8Array,
): void {
  const sums = new Float64Array(cols);
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let c = 0, at = r * cols; c < cols; c++, at++) {
      const value = slow[at]!;
      sum += value;
      sums[c]! += value;
    }
    row.fill(meanBucket(sum, cols), r * cols, (r + 1) * cols);
  }
  const buckets = Uint8Array.from(sums, (sum) => meanBucket(sum, rows));
  for (let r = 0; r < rows; r++) column.set(buckets, r * cols);
}

const meanBucket = (sum: number, count: number): number =>
  Math.min(halfLog2(Math.min(Math.floor((32 * sum) / count), 2 ** 31)), 31);
