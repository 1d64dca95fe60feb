import { codecKernels } from "../../kernels/codec.ts";
import { type Values, writtenOut } from "../../kernels/packed.ts";
import { WireError } from "../../model/error.ts";
import type { BitReader } from "../bits.ts";
import { fixedWidth, type ValueFormat } from "./coder.ts";

/** The values as they are: 32 bits each, IEEE 754 binary32. */
export const float32: ValueFormat<"float32"> = {
  coder: () => ({
    loses: "nothing",
    quantize: (values) => fixedWidth(values.slice(), bitsOf(values), 32),
  }),
  readHead: () => ({
    leastBits: 32,
    read(reader, count, place) {
      const values = reader.readFloats(count);
      if (!codecKernels(count).allFinite(values))
        throw new WireError("not-finite", place, `value ${firstNotFinite(values)}`);
      return values;
    },
  }),
};

const firstNotFinite = (values: Values): number => writtenOut(values).findIndex((v) => !Number.isFinite(v));

/** The IEEE 754 patterns, as a view. */
export const bitsOf = (values: Float32Array): Uint32Array =>
  new Uint32Array(values.buffer, values.byteOffset, values.length);

const word = new Uint32Array(1);
const single = new Float32Array(word.buffer);

/** A finite float32 in the middle of the bits. */
export function readFloat32(reader: BitReader, place: string, i: number): number {
  const low = reader.read(16);
  const high = reader.read(16);
  if ((high & 0x7f80) === 0x7f80) throw new WireError("not-finite", place, `value ${i}`);
  word[0] = low | (high << 16);
  return single[0]!;
}
