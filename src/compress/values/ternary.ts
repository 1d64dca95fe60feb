import type { ValueFormat } from "./coder.ts";
import { meanMagnitude, readScale } from "./scale.ts";
import { readSigns, signCodes } from "./signs.ts";

/**
 * Sparse ternary compression (Sattler et al., 2019): every selected value becomes plus or minus mu, the mean
 * magnitude of the selected values; one float32 in all and one sign bit each; zero counts as plus. Of everything it
 * is sign with scale (EF-signSGD, Karimireddy et al., 2019), for which `sign` is another name.
 */
export const ternary: ValueFormat<"ternary" | "sign"> = {
  coder: () => ({
    loses: "contraction",
    quantize(values) {
      const mu = meanMagnitude(values);
      return signCodes(values, mu, 4, (writer) => writer.float32(mu));
    },
  }),
  readHead(reader) {
    const mu = readScale(reader, "mu");
    return { leastBits: 1, read: (bits, count, place) => readSigns(bits, count, mu, place) };
  },
};
