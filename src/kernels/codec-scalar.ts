import type { CodecKernels } from "./codec.ts";
import { scalarHistory } from "./codec-history.ts";
import { scalarMeasure } from "./codec-measure.ts";
import { scalarRange } from "./codec-range.ts";
import { scalarRans } from "./codec-rans.ts";
import { scalarRice } from "./codec-rice.ts";
import { scalarStochastic } from "./codec-stochastic.ts";
import { smallestKept } from "./radix.ts";

/** The codecs' kernels in TypeScript: for short vectors, and where WebAssembly is missing. */
export const scalarCodecKernels: CodecKernels = {
  ...scalarHistory,
  ...scalarRans,
  ...scalarRange,
  ...scalarRice,
  ...scalarStochastic,
  ...scalarMeasure,

  maxMagnitude(values) {
    let max = 0;
    for (let i = 0; i < values.length; i++) {
      const magnitude = Math.abs(values[i]!);
      if (magnitude > max) max = magnitude;
    }
    return max;
  },

  largest(values, count) {
    const bits = bitsOf(values);
    const { threshold, numAbove } = smallestKept(count, (known, prefix, { shift, width }) => {
      const counts = new Uint32Array(1 << width);
      const low = counts.length - 1;
      for (let i = 0; i < bits.length; i++) {
        const magnitude = bits[i]! & MAGNITUDE;
        if ((magnitude & known) === prefix) counts[(magnitude >>> shift) & low]!++;
      }
      return counts;
    });
    const least = Math.max(threshold, 1);
    let ties = threshold === 0 ? 0 : count - numAbove; // as many of the equals as still fit
    const positions = new Uint32Array(Math.min(count, values.length));
    let n = 0;
    for (let i = 0; i < bits.length; i++) {
      const magnitude = bits[i]! & MAGNITUDE;
      if (magnitude < least) continue;
      if (magnitude === threshold && ties-- <= 0) continue;
      positions[n++] = i;
    }
    return positions.slice(0, n);
  },

  nonZero(values) {
    const positions = new Uint32Array(values.length);
    let n = 0;
    for (let i = 0; i < values.length; i++) {
      positions[n] = i; // whether it counts or not: the next one overwrites it
      n += values[i] === 0 ? 0 : 1;
    }
    return n === positions.length ? positions : positions.slice(0, n);
  },

  nearestLevels(values, scale, steps, table) {
    const codes = new Uint8Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      const c = Math.floor((Math.abs(value) * steps) / scale + 0.5);
      codes[i] = value < 0 ? steps - c : steps + c;
    }
    return { codes, values: scalarCodecKernels.lookUp(table, codes, new Float32Array(codes.length)) };
  },

  lookUp(table, codes, values) {
    for (let i = 0; i < codes.length; i++) values[i] = table[codes[i]!]!;
    return values;
  },

  signs(values, scale) {
    const codes = new Uint8Array(values.length);
    const signed = new Float32Array(values.length);
    const both = [scale, -scale];
    for (let i = 0; i < values.length; i++) {
      const minus = values[i]! < 0 ? 1 : 0;
      codes[i] = minus;
      signed[i] = both[minus]!;
    }
    return { codes, values: signed };
  },

  pack(codes, width) {
    const bytes = new Uint8Array((codes.length / 8) * width);
    let [at, held, numHeld] = [0, 0, 0];
    for (let i = 0; i < codes.length; i++) {
      held |= codes[i]! << numHeld;
      numHeld += width;
      if (numHeld < 8) continue;
      bytes[at++] = held;
      held >>>= 8;
      numHeld -= 8;
    }
    return bytes;
  },

  unpack(bytes, width) {
    const codes = new Uint8Array((bytes.length / width) * 8);
    const low = (1 << width) - 1;
    let [at, held, numHeld] = [0, 0, 0];
    for (let i = 0; i < codes.length; i++) {
      if (numHeld < width) {
        held |= bytes[at++]! << numHeld;
        numHeld += 8;
      }
      codes[i] = held & low;
      held >>>= width;
      numHeld -= width;
    }
    return codes;
  },

  shiftBits(bytes, shift, carry) {
    const shifted = new Uint8Array(bytes.length + 1);
    let held = carry;
    for (let i = 0; i < bytes.length; i++) {
      held |= bytes[i]! << shift;
      shifted[i] = held;
      held >>>= 8;
    }
    shifted[bytes.length] = held;
    return shifted;
  },

  rotate(data, first, second) {
    flip(data, first);
    hadamard(data);
    flip(data, second);
    hadamard(data);
  },

  rotateBack(codes, table, first, second, sums) {
    for (let i = 0; i < sums.length; i++) sums[i] = table[codes[i]!]!;
    hadamard(sums);
    flip(sums, second);
    hadamard(sums);
    flip(sums, first);
  },

  scaleSums(sums, scale, values) {
    const share = 1 / sums.length; // exact
    for (let i = 0; i < values.length; i++) values[i] = Math.fround(scale * sums[i]! * share) + 0;
  },

  nearestCentroids(data, { centroids, unit }) {
    const codes = new Uint8Array(data.length);
    let [product, energy] = [0, 0];
    for (let i = 0; i < data.length; i++) {
      const x = data[i]!;
      const doubled = 2 * (Math.abs(x) * unit);
      let place = 0;
      while (place + 1 < centroids.length && doubled > centroids[place]! + centroids[place + 1]!) place++;
      codes[i] = 2 * place + (x < 0 ? 1 : 0);
      product += (Math.abs(x) / data.length) * centroids[place]!;
      energy += centroids[place]! * centroids[place]!;
    }
    return { codes, product, energy };
  },
};

const MAGNITUDE = 0x7fffffff;

const bitsOf = (values: Float32Array): Uint32Array =>
  new Uint32Array(values.buffer, values.byteOffset, values.length);

/** The Walsh-Hadamard transform in place, not normalized: applied twice it is `data.length` times. */
function hadamard(data: Float64Array): void {
  for (let half = 1; half < data.length; half *= 2)
    for (let start = 0; start < data.length; start += 2 * half)
      for (let i = start; i < start + half; i++) {
        const a = data[i]!;
        const b = data[i + half]!;
        data[i] = a + b;
        data[i + half] = a - b;
      }
}

/** Times plus or minus one, which is exact, and without a branch that no one could predict. */
function flip(data: Float64Array, signs: Uint32Array): void {
  for (let i = 0; i < data.length; i++) data[i]! *= 1 - 2 * ((signs[i >>> 5]! >>> (i & 31)) & 1);
}
