import type { HistoryKernels } from "./codec-history.ts";
import type { MeasureKernels } from "./codec-measure.ts";
import type { RangeKernels } from "./codec-range.ts";
import type { RansKernels } from "./codec-rans.ts";
import type { RiceKernels } from "./codec-rice.ts";
import { scalarCodecKernels } from "./codec-scalar.ts";
import { simdCodecKernels } from "./codec-simd.ts";
import type { StochasticKernels } from "./codec-stochastic.ts";

/**
 * The hot loops of the codecs over one flat vector. There are two of each, one in WebAssembly SIMD on a small memory
 * of its own and one in TypeScript, and they agree to the bit; results are arrays of their own. No value may be NaN,
 * but in `allFinite` and `measure`.
 */
export interface CodecKernels
  extends HistoryKernels,
    RansKernels,
    RangeKernels,
    RiceKernels,
    StochasticKernels,
    MeasureKernels {
  /** The largest magnitude, 0 of none. */
  readonly maxMagnitude: (values: Float32Array) => number;
  /**
   * The positions of the `count` (1 or more) largest magnitudes, rising; of equals those that come first, and never a
   * zero. Exact and O(n): the bits of |v| order like |v| itself, and three histograms over them, 11 + 10 + 10 bits,
   * find the smallest magnitude that is still in.
   */
  readonly largest: (values: Float32Array, count: number) => Uint32Array;
  /** The positions of what is neither zero nor minus zero, rising. */
  readonly nonZero: (values: Float32Array) => Uint32Array;
  /**
   * The nearest of the levels scale * c / steps, c = -steps..steps, halves away from zero: its code steps + c, and its
   * value, which is `table[code]`. `scale`, above 0, is no less than any magnitude; `steps` is 1 to 127.
   */
  readonly nearestLevels: (values: Float32Array, scale: number, steps: number, table: Float32Array) => Coded;
  /** Of every code its entry in the table, which has one for each of them, and at most 256; in `values`, as many. */
  readonly lookUp: (table: Float32Array, codes: Uint8Array, values: Float32Array) => Float32Array;
  /** Of every value a code, 1 where it is below zero and else 0, and plus or minus `scale`. */
  readonly signs: (values: Float32Array, scale: number) => Coded;
  /**
   * `data.length` times the rotated vector, in place: signs, Walsh-Hadamard transform, signs, transform. The length is
   * a power of two, 64 to 2^16; signs are one bit a coordinate in words of 32, the low bits first, and 1 is minus.
   */
  readonly rotate: (data: Float64Array, first: Uint32Array, second: Uint32Array) => void;
  /**
   * Into `sums`, `sums.length` times the vector rotated back that has an entry of `table` (16 at most) for every code:
   * transform, second signs, transform, first signs.
   */
  readonly rotateBack: (
    codes: Uint8Array,
    table: Float64Array,
    first: Uint32Array,
    second: Uint32Array,
    sums: Float64Array,
  ) => void;
  /**
   * Into `values`, no longer than the sums, which are as many as a power of two: scale * sum / `sums.length`, rounded to
   * float32, and never minus zero.
   */
  readonly scaleSums: (sums: Float64Array, scale: number, values: Float32Array) => void;
  /**
   * Codes below 2^width, as many as a multiple of 8, in `width` bits each, 1 to 8, in the order of DEFLATE: a byte is
   * filled from its least significant bit up.
   */
  readonly pack: (codes: Uint8Array, width: number) => Uint8Array;
  /** The reverse: `bytes` are a multiple of `width`, and each `width` of them eight codes. */
  readonly unpack: (bytes: Uint8Array, width: number) => Uint8Array;
  /**
   * Bits in the same order moved up by `shift`, 0 to 7, behind those of `carry`; one byte more than before, for what goes
   * beyond the last.
   */
  readonly shiftBits: (bytes: Uint8Array, shift: number, carry: number) => Uint8Array;
  /** Codes by nearest centroid; `data` is as for `rotate`. */
  readonly nearestCentroids: (data: Float64Array, centroids: Centroids) => CentroidCodes;
}

export interface Coded {
  /** One a value. */
  readonly codes: Uint8Array;
  readonly values: Float32Array;
}

export interface Centroids {
  /** At most 8 magnitudes, rising. */
  readonly centroids: readonly number[];
  /** What a magnitude is multiplied with before it is compared with them. */
  readonly unit: number;
}

export interface CentroidCodes {
  /** Twice the place of the nearest centroid (halfway, of the lower one), plus 1 where the value is below zero. */
  readonly codes: Uint8Array;
  /** The sum of |value| / length * centroid, in the order of the values. */
  readonly product: number;
  /** The sum of centroid^2: of integers below 2^18 it is exact. */
  readonly energy: number;
}

/** Those that are fastest for a vector of `length`: short ones are not worth the way into another memory. */
export const codecKernels = (length: number): CodecKernels =>
  length < SHORT ? scalarCodecKernels : (simdCodecKernels() ?? scalarCodecKernels);

/** For loops that take some eight steps a value, such as those that code it bit by bit. */
export const bitwiseKernels = (length: number): CodecKernels => codecKernels(8 * length);

const SHORT = 1024;
