import { WireError } from "../../model/error.ts";
import { fixedWidth, type ValueFormat } from "./coder.ts";
import { bitsOf } from "./float32.ts";

/**
 * The upper half of a binary32 (Wang and Kanwar, 2019): its range, 8 significant bits. Rounded to nearest, ties to
 * even; magnitudes that would round to infinity become the largest finite one, so the error never exceeds the value.
 */
export const bfloat16: ValueFormat<"bfloat16"> = {
  coder: () => ({
    loses: "rounding",
    quantize(values) {
      const uppers = bitsOf(values).map(toUpper);
      return fixedWidth(floatsOf(uppers.map((upper) => upper << 16)), uppers, 16);
    },
  }),
  readHead: () => ({
    leastBits: 16,
    read(reader, count, place) {
      const values = reader.floats(count);
      const words = bitsOf(values);
      for (let i = 0; i < count; i++) {
        const upper = reader.read(16);
        if ((upper & 0x7f80) === 0x7f80) throw new WireError("not-finite", place, `value ${i}`);
        words[i] = upper << 16;
      }
      return values;
    },
  }),
};

const floatsOf = (words: Uint32Array): Float32Array =>
  new Float32Array(words.buffer, words.byteOffset, words.length);

const MAX_UPPER = 0x7f7f;

/** A carry out of the fraction runs into the exponent, as it should. */
function toUpper(bits: number): number {
  const magnitude = bits & 0x7fffffff;
  const rounded = (magnitude + 0x7fff + ((magnitude >>> 16) & 1)) >>> 16;
  return ((bits >>> 16) & 0x8000) | Math.min(rounded, MAX_UPPER);
}
