import { WireError } from "../../model/error.ts";
import type { BitReader, BitWriter } from "../bits.ts";

/** Every value as plus or minus `scale`; zero counts as plus. */
export const signed = (values: Float32Array, scale: number): Float32Array =>
  values.map((value) => (value < 0 ? -scale : scale));

/** One bit a value: 1 is minus. */
export function writeSigns(writer: BitWriter, values: Float32Array): void {
  for (const value of values) writer.write(value < 0 ? 1 : 0, 1);
}

export function readSigns(reader: BitReader, count: number, scale: number, place: string): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const minus = reader.read(1) === 1;
    if (minus && scale === 0) throw new WireError("bad-field", place, `value ${i} is minus zero`);
    values[i] = minus ? -scale : scale;
  }
  return values;
}
