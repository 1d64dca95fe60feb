import { WireError } from "../../model/error.ts";
import type { ByteReader, ByteWriter } from "../bytes.ts";
import { codesAt, type ValueCoder, type ValueFormat, type ValueReader } from "./coder.ts";
import { codeReader, shorterCodes } from "./codes.ts";
import { levelValue, maxMagnitude, meanMagnitude, readScale } from "./scale.ts";
import { readSigns, signCodes } from "./signs.ts";
import { type Levels, stochasticLevels, stochasticSigns } from "./stochastic.ts";

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
    const { scale, minus } =
      rounding === "stochastic"
        ? stochasticSigns(values, maxMagnitude(values), options)
        : { scale: meanMagnitude(values), minus: Array.from(values, (value) => value < 0) };
    return signCodes((i) => minus[i]!, values.length, scale, HEAD_BYTES, headOf(1, scale));
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
      const { scale, levels } =
        rounding === "stochastic"
          ? stochasticLevels(values, maxMagnitude(values), numSteps, options)
          : nearestLevels(values, numSteps);
      const quantized = new Float32Array(levels.length);
      const codes = new Uint32Array(levels.length);
      for (let i = 0; i < levels.length; i++) {
        quantized[i] = levelValue(scale, levels[i]!, numSteps);
        codes[i] = numSteps + levels[i]!;
      }
      return {
        values: quantized,
        code(places) {
          const { isRans, bits: numBits, write } = shorterCodes(codesAt(codes, places), bits);
          const writeHead = headOf(isRans ? RANS + bits : bits, scale);
          return { headBytes: HEAD_BYTES, bits: numBits, writeHead, writeValues: write };
        },
      };
    },
  };
}

function nearestLevels(values: Float32Array, numSteps: number): Levels {
  const scale = maxMagnitude(values);
  const levels = new Int32Array(values.length);
  if (scale === 0) return { scale, levels };
  for (let i = 0; i < values.length; i++) {
    const c = Math.floor((Math.abs(values[i]!) * numSteps) / scale + 0.5);
    levels[i] = values[i]! < 0 ? -c : c;
  }
  return { scale, levels };
}

function readManyBits(reader: ByteReader, bits: number, isRans: boolean): ValueReader {
  const numSteps = 2 ** (bits - 1) - 1;
  const scale = readScale(reader, "scale");
  return {
    leastBits: isRans ? 0 : bits,
    read(source, count, place) {
      const next = codeReader(source, bits, isRans, count, place);
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) {
        const c = next() - numSteps;
        if (c > numSteps || (scale === 0 && c !== 0))
          throw new WireError("bad-field", place, `value ${i} has level ${c}`);
        values[i] = levelValue(scale, c, numSteps);
      }
      return values;
    },
  };
}
