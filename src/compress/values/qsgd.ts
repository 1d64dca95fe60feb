import { WireError } from "../../model/error.ts";
import type { BitReader } from "../bits.ts";
import { varintBytes } from "../bytes.ts";
import { gammaBits, readGamma, writeGamma } from "../entropy/gamma.ts";
import { codesAt, type ValueCode, type ValueFormat } from "./coder.ts";
import { levelValue, MAX_FLOAT32, maxMagnitude, readScale } from "./scale.ts";
import { stochasticLevels } from "./stochastic.ts";

/**
 * QSGD (Alistarh et al., 2017): the Euclidean norm of the values, and of each its sign and a stochastic level of
 * 0..`levels`, |v| / norm * levels rounded up or down. E|Q(v) - v|^2 <= min(n / s^2, sqrt(n) / s) |v|^2 for n values
 * and s levels. Levels are written in a fixed number of bits or in Elias's gamma code, whichever is shorter; where
 * most are zero the others are sent by position.
 */
export const qsgd: ValueFormat<{ readonly qsgd: number }> = {
  coder: ({ qsgd: numLevels }) => ({
    loses: "unbiased",
    sparse: true,
    quantize(values, options) {
      const { scale: norm, levels } = stochasticLevels(values, normOf(values), numLevels, options);
      const codes = new Uint32Array(levels.length);
      const quantized = new Float32Array(levels.length);
      for (let i = 0; i < levels.length; i++) {
        const c = levels[i]!;
        codes[i] = c < 0 ? -2 * c : c === 0 ? 0 : 2 * c - 1;
        quantized[i] = levelValue(norm, c, numLevels);
      }
      return {
        values: quantized,
        code: (places, zeros) => shortest(codesAt(codes, places), norm, numLevels, zeros),
      };
    },
  }),
  readHead(reader, agreed, zeros) {
    const numLevels = reader.varint("levels", 1, MAX_LEVELS);
    if (agreed !== null && agreed.qsgd !== numLevels)
      throw new WireError("bad-codec", reader.placed("levels"), `${numLevels}, agreed was ${agreed.qsgd}`);
    const norm = readScale(reader, "norm");
    const isGamma = reader.uint8("code", 0, 1, (id) => (id === 1 ? "gamma" : "fixed")) === 1;
    const width = widthOf(numLevels, zeros);
    const readCode = isGamma
      ? (bits: BitReader) => readGammaCode(bits, numLevels, zeros)
      : (bits: BitReader) => bits.read(width) + (zeros ? 0 : 1);
    return {
      leastBits: isGamma ? (zeros ? 1 : 2) : width,
      read(bits, count, place) {
        const values = new Float32Array(count);
        for (let i = 0; i < count; i++) {
          const code = readCode(bits);
          if (code > 2 * numLevels || (norm === 0 && code !== 0))
            throw new WireError("bad-field", place, `value ${i} has code ${code}`);
          values[i] = levelValue(norm, code % 2 === 1 ? (code + 1) / 2 : -code / 2, numLevels);
        }
        return values;
      },
    };
  },
};

export const MAX_LEVELS = 32767;

/** The norm as a float32, no less than the largest magnitude and no more than a float32 can be. */
function normOf(values: Float32Array): number {
  let square = 0;
  for (const value of values) square += value * value;
  return Math.max(maxMagnitude(values), Math.fround(Math.min(Math.sqrt(square), MAX_FLOAT32)));
}

/**
 * A code is 0 for level 0, 2 l - 1 for +l and 2 l for -l. In fixed bits it is written as it is, less 1 where zeros
 * cannot be; in gamma code the level comes first, plus 1 where zeros can be, and then a sign bit unless it is 0.
 */
function shortest(codes: Uint32Array, norm: number, numLevels: number, zeros: boolean): ValueCode {
  const width = widthOf(numLevels, zeros);
  const base = zeros ? 0 : 1;
  let numGammaBits = 0;
  for (const code of codes) numGammaBits += gammaBits(levelOf(code) + 1 - base) + (code === 0 ? 0 : 1);
  const isGamma = numGammaBits < width * codes.length;
  return {
    headBytes: varintBytes(numLevels) + 5,
    bits: isGamma ? numGammaBits : width * codes.length,
    writeHead(writer) {
      writer.varint(numLevels);
      writer.float32(norm);
      writer.uint8(isGamma ? 1 : 0);
    },
    writeValues(writer) {
      for (const code of codes)
        if (!isGamma) writer.write(code - base, width);
        else {
          writeGamma(writer, levelOf(code) + 1 - base);
          if (code > 0) writer.write(1 - (code % 2), 1);
        }
    },
  };
}

const levelOf = (code: number): number => (code + 1) >>> 1;

/** Bits of the largest code. */
const widthOf = (numLevels: number, zeros: boolean): number =>
  32 - Math.clz32(2 * numLevels - (zeros ? 0 : 1));

function readGammaCode(bits: BitReader, numLevels: number, zeros: boolean): number {
  const level = readGamma(bits, numLevels + 1) - (zeros ? 1 : 0);
  return level === 0 ? 0 : 2 * level - 1 + bits.read(1);
}
