import { WireError } from "../../model/error.ts";
import type { BitReader } from "../bits.ts";
import type { ByteWriter } from "../bytes.ts";
import { fixedWidth, type Quantized } from "./coder.ts";

/** One bit a value: plus or minus `scale`, 1 is minus. Nothing is negative when the scale is zero. */
export function signCodes(
  minus: (i: number) => boolean,
  count: number,
  scale: number,
  headBytes: number,
  writeHead: (writer: ByteWriter) => void,
): Quantized {
  const codes = new Uint32Array(count);
  const values = new Float32Array(count).fill(scale);
  if (scale > 0)
    for (let i = 0; i < count; i++)
      if (minus(i)) {
        codes[i] = 1;
        values[i] = -scale;
      }
  return fixedWidth(values, codes, 1, headBytes, writeHead);
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
