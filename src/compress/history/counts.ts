import type { RangeDecoder, RangeEncoder } from "../../kernels/range-coder.ts";
import { type ClassIndex, NUM_CLASSES } from "./prior.ts";

/** A count within [low, high], of which `expected` is the likeliest. */
export interface Expected {
  readonly low: number;
  readonly high: number;
  readonly expected: number;
}

/** How many of `left` are among the first `sizes[0]` of all, when members of class c weigh `WEIGHTS[c]`. */
export function expectedCount(left: number, sizes: ArrayLike<number>, first: number): Expected {
  let [others, weight] = [0, 0];
  for (let c = first + 1; c < sizes.length; c++) {
    others += sizes[c]!;
    weight += sizes[c]! * WEIGHTS[c]!;
  }
  const size = sizes[first]!;
  const own = size * WEIGHTS[first]!;
  const low = Math.max(0, left - others);
  const high = Math.min(size, left);
  const expected = own === 0 ? 0 : Math.floor((left * own) / (own + weight) + 0.5);
  return { low, high, expected: Math.min(Math.max(expected, low), high) };
}

/** 2^(16 - c / 2), whole, so that sums are exact. */
const WEIGHTS = Array.from({ length: NUM_CLASSES }, (_, c) => [65536, 46341][c % 2]! >> (c >> 1));

/** How far a count is from what was expected, as a number from 0 on: nothing, 1 more, 1 less, 2 more and so on. */
function folded(count: number, { low, high, expected }: Expected): number {
  const both = Math.min(expected - low, high - expected);
  const far = count - expected;
  return Math.abs(far) > both ? both + Math.abs(far) : far > 0 ? 2 * far - 1 : -2 * far;
}

function unfolded(number: number, { low, high, expected }: Expected): number {
  const both = Math.min(expected - low, high - expected);
  if (number <= 2 * both) return expected + (number % 2 === 1 ? (number + 1) / 2 : -number / 2);
  return expected - low > both ? expected - (number - both) : expected + (number - both);
}

/** In the exponential Golomb code whose order fits the spread of a Poisson variable. */
export function encodeCount(encoder: RangeEncoder, count: number, within: Expected): void {
  const most = within.high - within.low;
  if (most === 0) return;
  const order = orderOf(within.expected);
  const value = folded(count, within) + 2 ** order;
  const n = 31 - Math.clz32(value) - order;
  for (let i = 0; i < n; i++) encoder.encodeEven(0);
  if (2 ** (n + 1 + order) - 2 ** order <= most) encoder.encodeEven(1);
  for (let d = n + order - 1; d >= 0; d--) encoder.encodeEven((value >>> d) & 1);
}

/** -1 when it is none within the range. */
export function decodeCount(decoder: RangeDecoder, within: Expected): number {
  const most = within.high - within.low;
  if (most === 0) return within.low;
  const order = orderOf(within.expected);
  let n = 0;
  while (2 ** (n + 1 + order) - 2 ** order <= most && decoder.decodeEven() === 0) n++;
  let value = 1;
  for (let d = n + order - 1; d >= 0; d--) value = 2 * value + decoder.decodeEven();
  value -= 2 ** order;
  return value > most ? -1 : unfolded(value, within);
}

const orderOf = (expected: number): number => (32 - Math.clz32(expected)) >> 1;

/**
 * About how many bits the position of one more coordinate of each class costs, where `count` are sent in all: what a
 * selection by rate and distortion compares with what sending it is worth.
 */
export function classCosts({ starts }: ClassIndex, count: number): Float64Array {
  let sum = 0;
  for (let c = 0; c < NUM_CLASSES; c++) sum += (starts[c + 1]! - starts[c]!) * WEIGHTS[c]!;
  return Float64Array.from(WEIGHTS, (weight) => Math.max(Math.log2(sum / (count * weight)), 1));
}
