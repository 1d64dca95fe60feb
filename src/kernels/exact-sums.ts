import { scalarSums } from "./exact-sums-scalar.ts";
import { simdSums } from "./exact-sums-simd.ts";
import type { Values } from "./packed.ts";

/**
 * Sums of integers in 64 bits, one a coordinate, which are the same whatever the order of adding. There are two, in
 * WebAssembly on a memory of its own and in TypeScript, and they agree to the bit. They do not check for overflow:
 * whoever adds keeps within a budget.
 */
export interface ExactSums {
  readonly length: number;
  /**
   * Adds to the sums from `start` on, one a value, value * scale rounded to an integer, ties to even; at most 2^51 in
   * magnitude. Packed values are the sums' to look at until they are settled: they must not change.
   */
  readonly add: (start: number, values: Values, scale: number) => void;
  /** The same to the sums at `start` plus each of the positions, which rise and must not change either. */
  readonly addAt: (start: number, positions: Uint32Array, values: Values, scale: number) => void;
  /** Adds what waits to be added; the other functions do it by themselves. */
  readonly settle: () => void;
  /** Whether nothing waits. */
  readonly isSettled: () => boolean;
  /** Adds other sums, one to each from `start` on. */
  readonly addSums: (start: number, others: BigInt64Array) => void;
  /** The sums from `start` to before `end`, copied. */
  readonly read: (start: number, end: number) => BigInt64Array;
  /**
   * Of the sums from `start` on sum * quantum / weight, in float64 and then rounded to float32, one a number of `out`;
   * 0 where the weight is 0. Weights are one for all, or one each.
   */
  readonly means: (start: number, quantum: number, weights: number | Float64Array, out: Float32Array) => void;
  /** All back to zero. */
  readonly clear: () => void;
}

/** So many sums, all zero. A large set holds much memory: it is made once and cleared for the next use. */
export const exactSums = (length: number): ExactSums =>
  (length < SHORT ? null : simdSums(length)) ?? scalarSums(length);

/** Below this a memory of its own costs more than it gains. */
const SHORT = 2 ** 16;
