import { type CodecArena, PART } from "./codec-arena.ts";
import type { CodecExports } from "./codec-exports.ts";
import { numValues, type Values, valuesBetween, writtenOut } from "./packed.ts";

/** What is asked of an update before it is let in, in one pass over its values. */
export interface MeasureKernels {
  /** Values may be NaN or infinite here. */
  readonly measure: (values: Values) => Measure;
}

export interface Measure {
  /** The largest magnitude, 0 of none; NaN when a value is NaN. */
  readonly largest: number;
  /**
   * The sum of squares in float64: of floats in eight sums by turns, which are added in pairs; of codes by how often each
   * comes, in the order of the table.
   */
  readonly squares: number;
}

export const scalarMeasure: MeasureKernels = {
  measure(values) {
    if ("codes" in values) return ofCodes(values.table, (table) => scalarCounts(values.codes, table));
    const squares = new Float64Array(LANES);
    let largest = 0;
    const floats = writtenOut(values);
    for (let i = 0; i < floats.length; i++) {
      const value = floats[i]!;
      squares[i % LANES]! += value * value;
      const magnitude = Math.abs(value);
      if (magnitude > largest || Number.isNaN(magnitude)) largest = magnitude;
    }
    return { largest, squares: inPairs(squares) };
  },
};

export function simdMeasure(
  wasm: CodecExports,
  { place, bytes, words, floats, doubles }: CodecArena,
  countBytes: (codes: Uint8Array) => Uint32Array,
): MeasureKernels {
  return {
    measure(values) {
      if ("codes" in values)
        return ofCodes(values.table, (table) =>
          values.codes.length < FEW ? scalarCounts(values.codes, table) : countBytes(values.codes),
        );
      const [at, squaresAt] = place(4 * PART, 8 * LANES);
      const squares = doubles(squaresAt, LANES).fill(0);
      let most = 0;
      const count = numValues(values);
      for (let start = 0; start < count; start += PART) {
        const part = valuesBetween(values, start, Math.min(count, start + PART));
        const length = numValues(part);
        const whole = Math.ceil(length / LANES) * LANES;
        if (whole > length) floats(at, whole).fill(0, length);
        if (part instanceof Float32Array) floats(at, length).set(part);
        else if ("bytes" in part) bytes(at, 4 * length).set(part.bytes);
        most = Math.max(most, wasm.measure(at, whole, squaresAt));
      }
      words(at, 1)[0] = most;
      return { largest: floats(at, 1)[0]!, squares: inPairs(squares) };
    },
  };
}

const LANES = 8;
/** So many bytes are counted before the way into another memory pays. */
const FEW = 4096;

const inPairs = (lanes: Float64Array): number =>
  lanes[0]! + lanes[1]! + (lanes[2]! + lanes[3]!) + (lanes[4]! + lanes[5]! + (lanes[6]! + lanes[7]!));

function scalarCounts(codes: Uint8Array, { length }: Float32Array): Uint32Array {
  const counts = new Uint32Array(length);
  for (let i = 0; i < codes.length; i++) counts[codes[i]!]!++;
  return counts;
}

function ofCodes(table: Float32Array, countsOf: (table: Float32Array) => ArrayLike<number>): Measure {
  const counts = countsOf(table);
  let [largest, squares] = [0, 0];
  for (let code = 0; code < table.length; code++) {
    if (counts[code] === 0) continue;
    largest = Math.max(largest, Math.abs(table[code]!));
    squares += counts[code]! * (table[code]! * table[code]!);
  }
  return { largest, squares };
}
