import type { CodecArena } from "./codec-arena.ts";
import type { CodecExports } from "./codec-exports.ts";
import type { Pointer } from "./kernels.ts";
import { numValues, type PackedValues, type Values, valuesBetween, writtenOut } from "./packed.ts";

/** What is asked of an update before it is let in. Values may be NaN or infinite here. */
export interface MeasureKernels {
  readonly allFinite: (values: Values) => boolean;
  /** In one pass. */
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
  allFinite(values) {
    const floats = writtenOut(values);
    const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
    for (let i = 0; i < bits.length; i++) if ((bits[i]! & INFINITE) === INFINITE) return false;
    return true;
  },

  measure(values) {
    if ("codes" in values) return ofCodes(values, scalarCounts);
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
  /** Copies the values in, part by part, each filled up with zeros to a multiple of the lanes. */
  const byParts = (values: Values, work: (at: Pointer, count: number) => void): void => {
    const [at] = place(4 * SHORT_PART);
    const [into, intoBytes] = [floats(at, SHORT_PART), bytes(at, 4 * SHORT_PART)];
    const count = numValues(values);
    for (let start = 0; start < count; start += SHORT_PART) {
      const end = Math.min(count, start + SHORT_PART);
      const whole = Math.ceil((end - start) / LANES) * LANES;
      into.fill(0, end - start, whole);
      if (values instanceof Float32Array) into.set(values.subarray(start, end));
      else if ("bytes" in values) intoBytes.set(values.bytes.subarray(4 * start, 4 * end));
      else into.set(writtenOut(valuesBetween(values, start, end)));
      work(at, whole);
    }
  };

  return {
    allFinite(values) {
      let all = true;
      byParts(values, (at, count) => {
        all &&= wasm.isFinite(at, count) !== 0;
      });
      return all;
    },

    measure(values) {
      if ("codes" in values) return ofCodes(values, values.codes.length < FEW ? scalarCounts : countBytes);
      const [at, squaresAt] = place(4 * SHORT_PART, 8 * LANES);
      const squares = doubles(squaresAt, LANES).fill(0);
      let most = 0;
      byParts(values, (_, count) => {
        most = Math.max(most, wasm.measure(at, count, squaresAt));
      });
      words(at, 1)[0] = most;
      return { largest: floats(at, 1)[0]!, squares: inPairs(squares) };
    },
  };
}

const INFINITE = 0x7f800000;
type Coded = Extract<PackedValues, { readonly codes: Uint8Array }>;

const LANES = 8;
/** Floats at a time: fewer than elsewhere, so that they stay in the cache next to the core. */
const SHORT_PART = 2 ** 12;
/** So many bytes are counted before the way into another memory pays. */
const FEW = 4096;

const inPairs = (lanes: Float64Array): number =>
  lanes[0]! + lanes[1]! + (lanes[2]! + lanes[3]!) + (lanes[4]! + lanes[5]! + (lanes[6]! + lanes[7]!));

function scalarCounts(codes: Uint8Array, { length }: Float32Array): Uint32Array {
  const counts = new Uint32Array(length);
  for (let i = 0; i < codes.length; i++) counts[codes[i]!]!++;
  return counts;
}

function ofCodes(
  { codes, table }: Coded,
  countsOf: (codes: Uint8Array, table: Float32Array) => ArrayLike<number>,
): Measure {
  const magnitude = Math.abs(table[0] ?? 0);
  // signs: nothing to count
  if (codes.length > 0 && table.every((entry) => Math.abs(entry) === magnitude))
    return { largest: magnitude, squares: codes.length * (magnitude * magnitude) };
  const counts = countsOf(codes, table);
  let [largest, squares] = [0, 0];
  for (let code = 0; code < table.length; code++) {
    if (counts[code] === 0) continue;
    largest = Math.max(largest, Math.abs(table[code]!));
    squares += counts[code]! * (table[code]! * table[code]!);
  }
  return { largest, squares };
}
