import { WireError } from "../../model/error.ts";
import type { ByteReader } from "../bytes.ts";
import type { ValueCoder, ValueFormat, ValueReader } from "./coder.ts";
import { maxMagnitude, meanMagnitude, readScale } from "./scale.ts";
import { readSigns, signed, writeSigns } from "./signs.ts";

/**
 * Symmetric uniform quantization to `bits` bits. From 2 bits on: the 2^bits - 1 levels `scale * c / L`,
 * c = -L..L, L = 2^(bits-1) - 1, with scale the largest magnitude; nearest level, halves away from zero. A value
 * never moves by more than its own magnitude and the largest not at all: a contraction, fit for error feedback.
 * 1 bit has no room for zero: sign times the *mean* magnitude, because the largest would not contract.
 */
export const uniform: ValueFormat<{ readonly uniform: number }> = {
  coder: ({ uniform: bits }) => (bits === 1 ? oneBit : manyBits(bits)),
  readHead(reader) {
    const bits = reader.uint8("bits per value", 1, 8);
    return bits === 1 ? readOneBit(reader) : readManyBits(reader, bits);
  },
};

const oneBit: ValueCoder = {
  exact: false,
  bitsPerValue: 1,
  quantize: (values) => signed(values, meanMagnitude(values)),
  writeHead(writer, quantized) {
    writer.uint8(1);
    writer.float32(Math.abs(quantized[0]!));
  },
  writeValues: writeSigns,
};

function readOneBit(reader: ByteReader): ValueReader {
  const scale = readScale(reader, "scale");
  return {
    spec: { uniform: 1 },
    bitsPerValue: 1,
    read: (bits, count, place) => readSigns(bits, count, scale, place),
  };
}

/** The float32 that stands for level c: scale * c is exact in float64, so this is the same on every engine. */
const levelValue = (scale: number, c: number, numSteps: number): number =>
  Math.fround((scale * c) / numSteps) + 0;

function levelOf(value: number, scale: number, numSteps: number): number {
  const c = Math.floor((Math.abs(value) * numSteps) / scale + 0.5);
  return value < 0 ? -c : c;
}

function manyBits(bits: number): ValueCoder {
  const numSteps = 2 ** (bits - 1) - 1;
  return {
    exact: false,
    bitsPerValue: bits,
    quantize(values) {
      const scale = maxMagnitude(values);
      if (scale === 0) return new Float32Array(values.length);
      return values.map((value) => levelValue(scale, levelOf(value, scale, numSteps), numSteps));
    },
    writeHead(writer, quantized) {
      writer.uint8(bits);
      writer.float32(maxMagnitude(quantized));
    },
    // The largest magnitude is a level itself, so that scale and levels can be had back from quantized values.
    writeValues(writer, quantized) {
      const scale = maxMagnitude(quantized);
      for (const value of quantized)
        writer.write(numSteps + (scale === 0 ? 0 : levelOf(value, scale, numSteps)), bits);
    },
  };
}

function readManyBits(reader: ByteReader, bits: number): ValueReader {
  const numSteps = 2 ** (bits - 1) - 1;
  const scale = readScale(reader, "scale");
  return {
    spec: { uniform: bits },
    bitsPerValue: bits,
    read(source, count, place) {
      const values = new Float32Array(count);
      for (let i = 0; i < count; i++) {
        const c = source.read(bits) - numSteps;
        if (c > numSteps || (scale === 0 && c !== 0))
          throw new WireError("bad-field", place, `value ${i} has level ${c}`);
        values[i] = levelValue(scale, c, numSteps);
      }
      return values;
    },
  };
}
