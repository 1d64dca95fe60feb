import { WireError } from "../../model/error.ts";
import { deriveSeed } from "../../model/rng.ts";
import { splitmix32 } from "../splitmix.ts";
import { fixedWidth, type ValueFormat } from "./coder.ts";
import { bitsOf, readFloat32 } from "./float32.ts";
import { drawRotation, type Rotation, rotate, rotateBack } from "./hadamard.ts";
import { checkScale, maxMagnitude, scaleWithin } from "./scale.ts";

/**
 * DRIVE and EDEN (Vargaftik et al., 2021 and 2022): rotate the values at random, after which they look like Gaussian
 * noise, whatever they were; send each as the nearest of the Gaussian's Lloyd-Max centroids, 1 to 4 bits, and a scale
 * a block. The rotation is two Hadamard stages with seeded signs: one would leave a bias on sparse vectors. The
 * scale |x|^2 / <y,q> makes the mean over seeds the value, approximately; with feedback it is the one of least error,
 * <y,q> / <q,q>. Values are cut into blocks of a power of two, so that next to none are spent on padding.
 */
export const eden: ValueFormat<{ readonly eden: number }> = {
  coder: ({ eden: bits }) => ({
    loses: "unbiased",
    whole: true,
    quantize(values, { seed, feedback, bound }) {
      const rotationSeed = deriveSeed(seed, "rotation");
      const words = splitmix32(rotationSeed);
      const sent = new Float32Array(values.length);
      const blocks = blockSizes(values.length).map(({ start, used, size }) => {
        const block = encodeBlock(values.subarray(start, start + used), drawRotation(words, size), {
          bits,
          size,
          feedback,
          bound,
        });
        sent.set(block.sent, start);
        return block;
      });
      return {
        values: sent,
        code: () => ({
          headBytes: 5,
          bits: blocks.reduce((sum, { codes }) => sum + 32 + bits * codes.length, 0),
          writeHead(writer) {
            writer.uint8(bits);
            writer.uint32(rotationSeed);
          },
          writeValues(writer) {
            for (const { scale, codes } of blocks) {
              const scales = Float32Array.of(scale);
              fixedWidth(scales, bitsOf(scales), 32).code(null, true).writeValues(writer);
              for (const code of codes) writer.write(code, bits);
            }
          },
        }),
      };
    },
  }),
  readHead(reader, agreed) {
    const bits = reader.uint8("bits per value", 1, 4);
    if (agreed !== null && agreed.eden !== bits)
      throw new WireError("bad-codec", reader.placed("bits per value"), `${bits}, agreed was ${agreed.eden}`);
    const words = splitmix32(reader.uint32("seed"));
    return {
      leastBits: bits,
      read(source, count, place) {
        const values = new Float32Array(count);
        for (const { start, used, size } of blockSizes(count)) {
          const scale = readFloat32(source, place, start);
          checkScale(scale, place);
          const codes = new Uint8Array(size);
          for (let i = 0; i < size; i++) codes[i] = source.read(bits);
          if (scale === 0 && codes.some((code) => code !== 0))
            throw new WireError(
              "bad-field",
              place,
              `the block from value ${start} has codes without a scale`,
            );
          const block = valuesOf(rotatedBack(codes, bits, drawRotation(words, size)), scale, used);
          if (!block.every(Number.isFinite))
            throw new WireError("not-finite", place, `the block from value ${start}`);
          values.set(block, start);
        }
        return values;
      },
    };
  },
};

/** Magnitudes of the Lloyd-Max centroids of the standard normal (Max, 1960) for 1 to 4 bits, in units of 2^-12. */
const CENTROIDS: readonly (readonly number[])[] = [
  [3268],
  [1855, 6187],
  [1004, 3097, 5505, 8814],
  [526, 1589, 2690, 3860, 5145, 6627, 8475, 11193],
];
const UNIT = 2 ** -12;

const MAX_BLOCK = 2 ** 16;
const MIN_BLOCK = 64;

interface BlockSize {
  readonly start: number;
  readonly used: number;
  readonly size: number;
}

/** The largest power of two that is left, at most 2^16; the last up to 63 values are padded to 64. */
function blockSizes(count: number): readonly BlockSize[] {
  const sizes: BlockSize[] = [];
  for (let start = 0; start < count; start += sizes.at(-1)!.used) {
    const left = count - start;
    const size = left < MIN_BLOCK ? MIN_BLOCK : Math.min(MAX_BLOCK, 2 ** (31 - Math.clz32(left)));
    sizes.push({ start, used: Math.min(left, size), size });
  }
  return sizes;
}

interface BlockOptions {
  readonly bits: number;
  readonly size: number;
  readonly feedback: boolean;
  readonly bound: number;
}

function encodeBlock(
  values: Float32Array,
  rotation: Rotation,
  { bits, size, feedback, bound }: BlockOptions,
) {
  const rotated = new Float64Array(size);
  rotated.set(values);
  rotate(rotated, rotation);
  const square = values.reduce((sum, value) => sum + value * value, 0);
  if (square === 0) return { scale: 0, codes: new Uint8Array(size), sent: new Float32Array(values.length) };
  // In units of the centroids: the rotated vector, `size` times too large, has standard deviation |x| / sqrt(size).
  const unit = 1 / (Math.sqrt(size * square) * UNIT);
  const centroids = CENTROIDS[bits - 1]!;
  const codes = new Uint8Array(size);
  let [product, energy] = [0, 0];
  for (let i = 0; i < size; i++) {
    const y = rotated[i]! / size;
    const level = nearest(centroids, Math.abs(rotated[i]!) * unit);
    codes[i] = 2 * level + (y < 0 ? 1 : 0);
    product += Math.abs(y) * centroids[level]!;
    energy += centroids[level]! ** 2;
  }
  const sums = rotatedBack(codes, bits, rotation);
  const wanted = feedback ? product / energy : square / product;
  const scale = scaleWithin(wanted, bound, (s) => maxMagnitude(valuesOf(sums, s, values.length)));
  return {
    scale,
    codes: scale === 0 ? new Uint8Array(size) : codes,
    sent: valuesOf(sums, scale, values.length),
  };
}

/** The place of the nearest of the rising centroids. */
function nearest(centroids: readonly number[], magnitude: number): number {
  let place = 0;
  while (place + 1 < centroids.length && 2 * magnitude > centroids[place]! + centroids[place + 1]!) place++;
  return place;
}

/** Integers below 2^46, and so exact: `size` times the centroids rotated back. */
function rotatedBack(codes: Uint8Array, bits: number, rotation: Rotation): Float64Array {
  const centroids = CENTROIDS[bits - 1]!;
  const data = new Float64Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    const centroid = centroids[codes[i]! >>> 1]!;
    data[i] = codes[i]! % 2 === 1 ? -centroid : centroid;
  }
  rotateBack(data, rotation);
  return data;
}

function valuesOf(sums: Float64Array, scale: number, used: number): Float32Array {
  const values = new Float32Array(used);
  for (let i = 0; i < used; i++) values[i] = Math.fround((scale * sums[i]!) / sums.length) + 0;
  return values;
}
