import { codecKernels } from "../../kernels/codec.ts";
import { WireError } from "../../model/error.ts";
import type { ByteReader, ByteWriter } from "../bytes.ts";
import {
  codesAt,
  lookUp,
  type QuantizeOptions,
  type ValueCoder,
  type ValueFormat,
  type ValueReader,
} from "./coder.ts";
import { readCodes, shorterCodes } from "./codes.ts";
import { levelTable, maxMagnitude, meanMagnitude, readScale } from "./scale.ts";
import { readSigns, signCodes } from "./signs.ts";
import { stochasticLevels, stochasticSigns } from "./stochastic.ts";

export interface UniformSpec {
  readonly uniform: number;
  readonly rounding?: "stochastic";
}

/**
 * Symmetric uniform quantization to `bits` bits. From 2 bits on: the 2^bits - 1 levels `scale * c / L`,
 * c = -L..L, L = 2^(bits-1) - 1, with scale the largest magnitude; nearest level, halves away from zero. A value
 * never moves by more than its own magnitude and the largest not at all: a contraction, fit for error feedback.
 * 1 bit has no room for zero: sign times the *mean* magnitude, because the largest would not contract.
 * With stochastic rounding the mean over seeds is the value; the bytes do not tell which it was. Levels are written in
 * `bits` bits each, or by rANS where that is shorter.
 */
export const uniform: ValueFormat<UniformSpec> = {
  coder: (spec) => (spec.uniform === 1 ? oneBit(spec) : manyBits(spec)),
  readHead(reader, agreed) {
    const coded = reader.uint8("bits per value", 1, RANS + 8);
    const isRans = coded > RANS;
    const bits = isRans ? coded - RANS : coded;
    if (bits > 8 || (isRans && bits === 1))
      throw new WireError(
        "bad-field",
        reader.placed("bits per value"),
        `${coded}, expected 1 to 8 or 130 to 136`,
      );
    if (agreed !== null && agreed.uniform !== bits)
      throw new WireError(
        "bad-codec",
        reader.placed("bits per value"),
        `${bits}, agreed was ${agreed.uniform}`,
      );
    return bits === 1 ? readOneBit(reader) : readManyBits(reader, bits, isRans);
  },
};

/** On top of the bits per value: the levels are coded by rANS. */
const RANS = 128;

const headOf =
  (bits: number, scale: number) =>
  (writer: ByteWriter): void => {
    writer.uint8(bits);
    writer.float32(scale);
  };
const HEAD_BYTES = 5;

const oneBit = ({ rounding }: UniformSpec): ValueCoder => ({
  loses: rounding === "stochastic" ? "unbiased" : "contraction",
  quantize(values, options) {
    const { scale, signs } =
      rounding === "stochastic"
        ? stochasticSigns(values, maxMagnitude(values), options)
        : { scale: meanMagnitude(values), signs: values };
    return signCodes(signs, scale, HEAD_BYTES, headOf(1, scale));
  },
});

function readOneBit(reader: ByteReader): ValueReader {
  const scale = readScale(reader, "scale");
  return { leastBits: 1, read: (bits, count, place) => readSigns(bits, count, scale, place) };
}

function manyBits({ uniform: bits, rounding }: UniformSpec): ValueCoder {
  const numSteps = 2 ** (bits - 1) - 1;
  return {
    loses: rounding === "stochastic" ? "unbiased" : "contraction",
    quantize(values, options) {
      const { scale, coded } =
        rounding === "stochastic" ? drawn(values, numSteps, options) : nearest(values, numSteps);
      return {
        values: coded.values,
        code(places) {
          const { isRans, bits: numBits, write } = shorterCodes(codesAt(coded.codes, places), bits);
          const writeHead = headOf(isRans ? RANS + bits : bits, scale);
          return { headBytes: HEAD_BYTES, bits: numBits, writeHead, writeValues: write };
        },
      };
    },
  };
}

function nearest(values: Float32Array, numSteps: number) {
  const scale = maxMagnitude(values);
  const coded =
    scale === 0
      ? { codes: new Uint8Array(values.length).fill(numSteps), values: new Float32Array(values.length) }
      : codecKernels(values.length).nearestLevels(values, scale, numSteps, levelTable(scale, numSteps));
  return { scale, coded };
}

function drawn(values: Float32Array, numSteps: number, options: QuantizeOptions) {
  const { scale, levels } = stochasticLevels(values, maxMagnitude(values), numSteps, options);
  const codes = codecKernels(levels.length).levelCodes(levels, numSteps);
  return { scale, coded: { codes, values: lookUp(levelTable(scale, numSteps), codes) } };
}

function readManyBits(reader: ByteReader, bits: number, isRans: boolean): ValueReader {
  const numSteps = 2 ** (bits - 1) - 1;
  const scale = readScale(reader, "scale");
  return {
    leastBits: isRans ? 0 : bits,
    read(source, count, place) {
      const codes = readCodes(source, bits, isRans, count, place);
      const bad =
        scale === 0 ? codes.findIndex((code) => code !== numSteps) : codes.indexOf(2 * numSteps + 1);
      if (bad >= 0)
        throw new WireError("bad-field", place, `value ${bad} has level ${codes[bad]! - numSteps}`);
      return { codes, table: levelTable(scale, numSteps) };
    },
  };
}
