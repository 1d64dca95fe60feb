import type { ValueFormat } from "./coder.ts";
import { meanMagnitude, readScale } from "./scale.ts";
import { readSigns, signed, writeSigns } from "./signs.ts";

/**
 * Sparse ternary compression (Sattler et al., 2019): every selected value becomes plus or minus mu, the mean
 * magnitude of the selected values; one float32 in all and one sign bit each. With `select: all` it is sign with
 * scale (Karimireddy et al., 2019).
 */
export const ternary: ValueFormat<"ternary"> = {
  coder: () => ({
    exact: false,
    bitsPerValue: 1,
    quantize: (values) => signed(values, meanMagnitude(values)),
    writeHead: (writer, quantized) => writer.float32(Math.abs(quantized[0]!)),
    writeValues: writeSigns,
  }),
  readHead(reader) {
    const mu = readScale(reader, "mu");
    return {
      spec: "ternary",
      bitsPerValue: 1,
      read: (bits, count, place) => readSigns(bits, count, mu, place),
    };
  },
};
