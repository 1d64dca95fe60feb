import { type Mixer, NUM_TABLES, TABLE } from "../../kernels/codec-history.ts";

/** The log2 odds of every context beside those of all coordinates, from how often it was broadcast. */
export function mixerOf(counters: Float64Array, weights: Int32Array): Mixer {
  // the contexts of table 0 are the tensors: together they are everything
  let [without, some] = [0, 0];
  for (let c = 0; c < 16; c++) {
    without += counters[2 * c]!;
    some += counters[2 * c + 1]!;
  }
  const least = Math.floor((STRENGTH * (without + 16)) / (some + 16));
  const base = log2(some + STRENGTH) - log2(without + Math.max(least, 1));
  const tables = new Int32Array(NUM_TABLES * TABLE);
  for (let at = 0; at < tables.length; at++) {
    const [zeros, ones] = [counters[2 * at]!, counters[2 * at + 1]!];
    if (zeros + ones === 0) continue;
    const odds = log2(ones + STRENGTH) - log2(zeros + Math.max(least, 1));
    tables[at] = Math.min(Math.max(odds - base, -MOST), MOST);
  }
  return { base, tables, weights };
}

/** Of every context as if it had been seen before, like all coordinates: so often something, in sixteenths. */
const STRENGTH = 6;
const MOST = 4095;

/** Of a whole number of 1 to 2^53, in 2^-9, cut off. */
function log2(value: number): number {
  const high = Math.floor(value / 2 ** 26);
  let result = high > 0 ? 57 - Math.clz32(high) : 31 - Math.clz32(value);
  let mantissa = Math.floor(value * 2 ** (25 - result));
  for (let i = 0; i < 9; i++) {
    mantissa = Math.floor((mantissa * mantissa) / 2 ** 25);
    const bit = mantissa >= 2 ** 26 ? 1 : 0;
    if (bit === 1) mantissa = Math.floor(mantissa / 2);
    result = 2 * result + bit;
  }
  return result;
}
