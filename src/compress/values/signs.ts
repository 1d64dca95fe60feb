import { codecKernels } from "../../kernels/codec.ts";
import type { Values } from "../../kernels/packed.ts";
import { WireError } from "../../model/error.ts";
import type { BitReader } from "../bits.ts";
import type { ByteWriter } from "../bytes.ts";
import { fixedWidth, type Quantized } from "./coder.ts";

/**
 * One bit a value: `scale` with the sign of `values`, 1 is minus and zeros are plus. Nothing is negative when the
 * scale is zero.
 */
export function signCodes(
  values: Float32Array,
  scale: number,
  headBytes: number,
  writeHead: (writer: ByteWriter) => void,
): Quantized {
  const { length } = values;
  const { codes, values: signed } =
    scale > 0
      ? codecKernels(length).signs(values, scale)
      : { codes: new Uint8Array(length), values: new Float32Array(length) };
  return fixedWidth(signed, codes, 1, headBytes, writeHead);
}

export function readSigns(reader: BitReader, count: number, scale: number, place: string): Values {
  const codes = reader.readAll(count, 1);
  if (scale === 0 && codes.includes(1))
    throw new WireError("bad-field", place, `value ${codes.indexOf(1)} is minus zero`);
  return { codes, table: Float32Array.of(scale, -scale) };
}
