import { WireError } from "../../model/error.ts";
import { fixedWidth, type ValueFormat } from "./coder.ts";

/**
 * IEEE 754 binary16, rounded to nearest, ties to even. Magnitudes above the largest finite one, 65504, become it,
 * and those of 2^-25 or less become zero, so the error never exceeds the value itself.
 */
export const float16: ValueFormat<"float16"> = {
  coder: () => ({
    loses: "rounding",
    quantize(values) {
      const codes = Uint32Array.from(values, toBits);
      return fixedWidth(Float32Array.from(codes, fromBits), codes, 16);
    },
  }),
  readHead: () => ({
    leastBits: 16,
    read(reader, count, place) {
      const values = reader.floats(count);
      for (let i = 0; i < count; i++) {
        const bits = reader.read(16);
        if ((bits & 0x7c00) === 0x7c00) throw new WireError("not-finite", place, `value ${i}`);
        values[i] = fromBits(bits);
      }
      return values;
    },
  }),
};

const MAX_BITS = 0x7bff; // 65504
const word = new Uint32Array(1);
const single = new Float32Array(word.buffer);

function toBits(value: number): number {
  single[0] = value;
  const sign = (word[0]! >>> 16) & 0x8000;
  const magnitude = word[0]! & 0x7fffffff;
  if (magnitude < 0x38800000) {
    // Below 2^-14 the unit is fixed at 2^-24; Math.abs(value) * 2^24 is exact, so one rounding is made.
    return sign | roundToEven(Math.abs(value) * 0x1000000);
  }
  // Rebias the exponent (127 to 15) and drop 13 bits; a carry runs into the exponent, as it should.
  const rounded = (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
  return sign | Math.min(rounded, MAX_BITS);
}

function fromBits(bits: number): number {
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 0x3ff;
  // Both branches are exact: 11 significant bits times a power of two.
  const magnitude = exponent === 0 ? fraction / 0x1000000 : (fraction + 0x400) * POWERS[exponent]!;
  return bits & 0x8000 ? -magnitude : magnitude;
}

/** 2^(exponent - 25), made by doubling because Math.pow may differ between engines. */
const POWERS = Float64Array.from({ length: 32 }, () => 0);
for (let exponent = 0, power = 1 / 0x2000000; exponent < 32; exponent++, power *= 2) POWERS[exponent] = power;

function roundToEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}
