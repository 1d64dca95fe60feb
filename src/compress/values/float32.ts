import { WireError } from "../../model/error.ts";
import type { ValueFormat } from "./coder.ts";

/** The values as they are: 32 bits each, IEEE 754 binary32. */
export const float32: ValueFormat<"float32"> = {
  coder: () => ({
    exact: true,
    bitsPerValue: 32,
    quantize: (values) => values.slice(),
    writeHead: () => {},
    writeValues(writer, quantized) {
      for (const bits of new Uint32Array(quantized.buffer, quantized.byteOffset, quantized.length)) {
        writer.write(bits & 0xffff, 16);
        writer.write(bits >>> 16, 16);
      }
    },
  }),
  readHead: () => ({
    spec: "float32",
    bitsPerValue: 32,
    read(reader, count, place) {
      const bits = new Uint32Array(count);
      for (let i = 0; i < count; i++) {
        const low = reader.read(16);
        const high = reader.read(16);
        if ((high & 0x7f80) === 0x7f80) throw new WireError("not-finite", place, `value ${i}`);
        bits[i] = low | (high << 16);
      }
      return new Float32Array(bits.buffer);
    },
  }),
};
