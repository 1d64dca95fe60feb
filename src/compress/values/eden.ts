import { codecKernels } from "../../kernels/codec.ts";
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
    quantize(values, { seed, feedback, bound }) {
      const rotationSeed = deriveSeed(seed, "rotation");
      const words = splitmix32(rotationSeed);
      const sent = new Float32Array(values.length);
      const sizes = blockSizes(values.length);
      const work = new Float64Array(sizes[0]!.size);
      const blocks = sizes.map(({ start, used, size }) =>
        encodeBlock(values.subarray(start, start + used), drawRotation(words, size), {
          bits,
          feedback,
          bound,
          work: work.subarray(0, size),
          sent: sent.subarray(start, start + used),
        }),
      );
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
              writer.writeAll(codes, bits);
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
        const sizes = blockSizes(count);
        const work = new Float64Array(sizes[0]!.size);
        for (const { start, used, size } of sizes) {
          const scale = readFloat32(source, place, start);
          checkScale(scale, place);
          const codes = source.readAll(size, bits);
          const named = `the block from value ${start}`;
          if (scale === 0 && codes.some((code) => code !== 0))
            throw new WireError("bad-field", place, `${named} has codes without a scale`);
          const sums = work.subarray(0, size);
          rotateBack(codes, SIGNED[bits - 1]!, drawRotation(words, size), sums);
          const block = values.subarray(start, start + used);
          codecKernels(size).scaleSums(sums, scale, block);
          if (!codecKernels(used).allFinite(block)) throw new WireError("not-finite", place, named);
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

/** What a code stands for. Rotated back, these integers stay below 2^46, and so exact. */
const SIGNED: readonly Float64Array[] = CENTROIDS.map((centroids) =>
  Float64Array.from(centroids.flatMap((centroid) => [centroid, -centroid])),
);

const MAX_BLOCK = 2 ** 16;
const MIN_BLOCK = 64;

interface BlockSize {
  readonly start: number;
  readonly used: number;
  readonly size: number;
}

/** None is larger than the first: the largest power of two that is left, at most 2^16; the last up to 63 values are padded to 64. */
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
  readonly feedback: boolean;
  readonly bound: number;
  /** Room to work, as long as the block; fresh memory would cost more than the arithmetic. */
  readonly work: Float64Array;
  /** Where to write what the receiver will have. */
  readonly sent: Float32Array;
}

function encodeBlock(
  values: Float32Array,
  rotation: Rotation,
  { bits, feedback, bound, work, sent }: BlockOptions,
) {
  const size = work.length;
  let square = 0;
  for (let i = 0; i < values.length; i++) square += values[i]! * values[i]!;
  if (square === 0) return { scale: 0, codes: new Uint8Array(size) };
  work.fill(0, values.length);
  work.set(values);
  rotate(work, rotation);
  // In units of the centroids: the rotated vector, `size` times too large, has standard deviation |x| / sqrt(size).
  const unit = 1 / (Math.sqrt(size * square) * UNIT);
  const centroids = CENTROIDS[bits - 1]!;
  const { codes, product, energy } = codecKernels(size).nearestCentroids(work, { centroids, unit });
  rotateBack(codes, SIGNED[bits - 1]!, rotation, work);
  const wanted = feedback ? product / energy : square / product;
  // The last scale that is tried is the one that is sent.
  const scale = scaleWithin(wanted, bound, (tried) => {
    codecKernels(size).scaleSums(work, tried, sent);
    return maxMagnitude(sent);
  });
  return { scale, codes: scale === 0 ? new Uint8Array(size) : codes };
}
