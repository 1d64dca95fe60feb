import type { CodecKernels } from "./codec.ts";
import { codecBase64 } from "./codec.wasm.ts";
import { openArena, PART } from "./codec-arena.ts";
import type { CodecExports } from "./codec-exports.ts";
import { simdHistory } from "./codec-history.ts";
import { simdMeasure } from "./codec-measure.ts";
import { simdRange } from "./codec-range.ts";
import { simdRans } from "./codec-rans.ts";
import { simdRice } from "./codec-rice.ts";
import { simdStochastic } from "./codec-stochastic.ts";
import type { Pointer } from "./kernels.ts";
import { smallestKept } from "./radix.ts";
import { canInstantiate, instantiate } from "./webassembly.ts";

let kernels: CodecKernels | null | undefined;

/** The codecs' kernels in WebAssembly SIMD, one instance a thread, made when first asked for; null where it is missing. */
export function simdCodecKernels(): CodecKernels | null {
  if (kernels === undefined) kernels = canInstantiate(codecBase64) ? openKernels() : null;
  return kernels;
}

/** Places of a radix select's highest digit. */
const HIGH = 2 ** 11;

/** How many there are from the highest digit down to the one that the count-th has. */
function atLeast(counts: Uint32Array, count: number): number {
  let [place, total] = [counts.length, 0];
  while (place > 0 && total < count) total += counts[--place]!;
  return total;
}

function openKernels(): CodecKernels {
  const arena = openArena();
  const { place, bytes, words, floats, doubles } = arena;
  const wasm = instantiate(codecBase64, arena.memory) as CodecExports;

  /** Copies the values in, part by part; what `work` is told is where in the vector a part starts and its length. */
  const byParts = (values: Float32Array, at: Pointer, work: (start: number, count: number) => void): void => {
    for (let start = 0; start < values.length; start += PART) {
      const part = values.subarray(start, start + PART);
      floats(at, part.length).set(part);
      work(start, part.length);
    }
  };

  /** How many magnitudes have each highest digit. */
  const countHigh = (values: Float32Array): Uint32Array => {
    const [at, tables] = place(4 * PART, 4 * HIGH * 4);
    const counts = words(tables, 4 * HIGH).fill(0);
    byParts(values, at, (_, n) => wasm.countHigh(at, n, tables));
    const high = counts.subarray(0, HIGH);
    for (let i = 0; i < HIGH; i++)
      high[i]! += counts[HIGH + i]! + counts[2 * HIGH + i]! + counts[3 * HIGH + i]!;
    return high;
  };

  const countLow = (values: Float32Array, known: number, prefix: number, shift: number): Uint32Array => {
    const [at, table] = place(4 * PART, 4 * HIGH);
    const counts = words(table, HIGH).fill(0);
    byParts(values, at, (_, n) => wasm.countLow(at, n, known, prefix, shift, table));
    return counts;
  };

  /** Positions of the magnitudes whose bits are `least` or above, of its equals only `ties`; at most `most` in all. */
  const selectAtLeast = (values: Float32Array, least: number, ties: number, most: number): Uint32Array => {
    const [at, left, out] = place(4 * PART, 4, 4 * PART);
    words(left, 1)[0] = ties;
    const positions = new Uint32Array(most);
    let n = 0;
    byParts(values, at, (start, length) => {
      const more = wasm.selectAtLeast(at, length, start, least, left, out);
      positions.set(words(out, more), n);
      n += more;
    });
    return n === most ? positions : positions.slice(0, n);
  };

  const rans = simdRans(wasm, arena);
  return {
    ...simdHistory(wasm, arena),
    ...rans,
    ...simdRange(wasm, arena),
    ...simdRice(wasm, arena),
    ...simdStochastic(wasm, arena),
    ...simdMeasure(wasm, arena, rans.countBytes),

    maxMagnitude(values) {
      const [at] = place(4 * PART);
      let most = 0;
      byParts(values, at, (_, count) => {
        most = Math.max(most, wasm.maxMagnitude(at, count));
      });
      words(at, 1)[0] = most;
      return floats(at, 1)[0]!;
    },

    largest(values, count) {
      let [pool, places]: [Float32Array, Uint32Array | null] = [values, null];
      let numCandidates = values.length;
      const { threshold, numAbove } = smallestKept(count, (known, prefix, { shift, width }) => {
        if (known === 0) {
          const counts = countHigh(values);
          numCandidates = atLeast(counts, count);
          return counts;
        }
        if (places === null && numCandidates < values.length / 2) {
          places = selectAtLeast(values, Math.max(prefix, 1), numCandidates, numCandidates);
          pool = new Float32Array(places.length);
          for (let i = 0; i < pool.length; i++) pool[i] = values[places[i]!]!;
        }
        return countLow(pool, known, prefix, shift).subarray(0, 1 << width);
      });
      // Without a threshold everything above zero is in, of which the least may be as low as what is asked for.
      const ties = threshold === 0 ? values.length : count - numAbove;
      const kept = selectAtLeast(pool, Math.max(threshold, 1), ties, Math.min(count, values.length));
      if (places !== null) for (let i = 0; i < kept.length; i++) kept[i] = places[kept[i]!]!;
      return kept;
    },

    nonZero(values) {
      const [at, out] = place(4 * PART, 4 * PART);
      const positions = new Uint32Array(values.length);
      let n = 0;
      byParts(values, at, (start, count) => {
        const more = wasm.selectNonZero(at, count, start, out);
        positions.set(words(out, more), n);
        n += more;
      });
      return n === positions.length ? positions : positions.slice(0, n);
    },

    nearestLevels(values, scale, steps, table) {
      const [at, entries, codesAt, out] = place(4 * PART, 4 * 256, PART, 4 * PART);
      floats(entries, table.length).set(table);
      const [codes, levels] = [new Uint8Array(values.length), new Float32Array(values.length)];
      byParts(values, at, (start, count) => {
        wasm.uniformCodes(at, count, scale, steps, codesAt);
        wasm.lookUp(entries, codesAt, count, out);
        codes.set(bytes(codesAt, count), start);
        levels.set(floats(out, count), start);
      });
      return { codes, values: levels };
    },

    lookUp(table, codes, values) {
      const [entries, at, out] = place(4 * 256, PART, 4 * PART);
      floats(entries, table.length).set(table);
      for (let start = 0; start < codes.length; start += PART) {
        const part = codes.subarray(start, start + PART);
        bytes(at, part.length).set(part);
        wasm.lookUp(entries, at, part.length, out);
        values.set(floats(out, part.length), start);
      }
      return values;
    },

    signs(values, scale) {
      const [at, out, codesAt] = place(4 * PART, 4 * PART, PART);
      const [codes, signed] = [new Uint8Array(values.length), new Float32Array(values.length)];
      byParts(values, at, (start, count) => {
        wasm.signCodes(at, count, scale, codesAt, out);
        codes.set(bytes(codesAt, count), start);
        signed.set(floats(out, count), start);
      });
      return { codes, values: signed };
    },

    pack(codes, width) {
      const [at, out] = place(PART, PART + 8);
      const packed = new Uint8Array((codes.length / 8) * width);
      for (let start = 0; start < codes.length; start += PART) {
        const part = codes.subarray(start, start + PART);
        bytes(at, part.length).set(part);
        wasm.pack(at, part.length, width, out);
        packed.set(bytes(out, (part.length / 8) * width), (start / 8) * width);
      }
      return packed;
    },

    unpack(packed, width) {
      const [at, out] = place(PART + 8, PART);
      const codes = new Uint8Array((packed.length / width) * 8);
      for (let start = 0; start < codes.length; start += PART) {
        const part = packed.subarray((start / 8) * width, ((start + PART) / 8) * width);
        const count = (part.length / width) * 8;
        bytes(at, part.length).set(part);
        wasm.unpack(at, count, width, out);
        codes.set(bytes(out, count), start);
      }
      return codes;
    },

    shiftBits(all, shift, carry) {
      const [at, out] = place(PART, PART + 8);
      const shifted = new Uint8Array(all.length + 1);
      shifted[0] = carry;
      for (let start = 0; start < all.length; start += PART) {
        const part = all.subarray(start, start + PART);
        bytes(at, part.length).set(part);
        wasm.shiftBits(at, part.length, shift, shifted[start]!, out);
        shifted.set(bytes(out, part.length + 1), start);
      }
      return shifted;
    },

    rotate(data, first, second) {
      const size = data.length;
      const [at, one, two] = place(8 * size, size / 8, size / 8);
      doubles(at, size).set(data);
      words(one, first.length).set(first);
      words(two, second.length).set(second);
      wasm.flip(at, one, size);
      wasm.hadamard(at, size);
      wasm.flip(at, two, size);
      wasm.hadamard(at, size);
      data.set(doubles(at, size));
    },

    rotateBack(codes, table, first, second, sums) {
      const size = sums.length;
      const [at, one, two, codesAt, entries] = place(8 * size, size / 8, size / 8, size, 8 * 16);
      bytes(codesAt, size).set(codes);
      doubles(entries, table.length).set(table);
      words(one, first.length).set(first);
      words(two, second.length).set(second);
      wasm.lookUp64(entries, codesAt, size, at);
      wasm.hadamard(at, size);
      wasm.flip(at, two, size);
      wasm.hadamard(at, size);
      wasm.flip(at, one, size);
      sums.set(doubles(at, size));
    },

    scaleSums(sums, scale, values) {
      const { length } = values;
      const [at, out] = place(8 * length, 4 * length);
      doubles(at, length).set(sums.subarray(0, length));
      wasm.scaleSums(at, length, scale, 1 / sums.length, out);
      values.set(floats(out, length));
    },

    nearestCentroids(data, { centroids, unit }) {
      const size = data.length;
      const [at, limitsAt, centroidsAt, codesAt, sums] = place(8 * size, 8 * 8, 8 * 8, size, 16);
      doubles(at, size).set(data);
      const limits = centroids.slice(1).map((centroid, i) => centroids[i]! + centroid);
      doubles(limitsAt, limits.length).set(limits);
      doubles(centroidsAt, centroids.length).set(centroids);
      wasm.edenCodes(at, size, unit, 1 / size, limitsAt, limits.length, centroidsAt, codesAt, sums);
      const [product, energy] = doubles(sums, 2);
      return { codes: bytes(codesAt, size).slice(), product: product!, energy: energy! };
    },
  };
}
