import { WireError } from "../../model/error.ts";
import type { BitReader, BitWriter } from "../bits.ts";
import { varintBytes } from "../bytes.ts";
import { codesAt, type ValueFormat } from "./coder.ts";
import { centroidsOf, nearestOf } from "./lloyd.ts";
import { readTable, writeTable } from "./table.ts";

/**
 * Signs and at most 2 or 3 magnitudes (`auto`: of 1 to 3 as many as pay for their bits), the Lloyd-Max quantizer of the magnitudes at hand: between ternary, which has
 * one, and uniform. The smallest magnitude, most often the commonest, is written in the fewest bits.
 */
export const levels: ValueFormat<{ readonly levels: number | "auto" }> = {
  coder: ({ levels: most }) => ({
    loses: "contraction",
    quantize(values, { perBit = 0 }) {
      const sizes = values.map(Math.abs);
      const magnitudes = most === "auto" ? paying(sizes, perBit) : centroidsOf(sizes, most);
      const places = nearestOf(sizes, magnitudes);
      // A code is twice the magnitude's place, plus 1 with a minus.
      const codes = places.map((place, i) => 2 * place + (values[i]! < 0 && magnitudes[place]! > 0 ? 1 : 0));
      const lengths = Array.from(magnitudes, (_, place) => 1 + placeBits(place, magnitudes.length));
      return {
        values: Float32Array.from(codes, (code) => signedValue(magnitudes, code)),
        code(at) {
          const written = codesAt(codes, at);
          let bits = 0;
          for (const code of written) bits += lengths[code >>> 1]!;
          return {
            headBytes: varintBytes(magnitudes.length) + 4 * magnitudes.length,
            bits,
            writeHead: (writer) => writeTable(writer, magnitudes),
            writeValues(writer) {
              for (const code of written) {
                writer.write(code & 1, 1);
                writePlace(writer, code >>> 1, magnitudes.length);
              }
            },
          };
        },
      };
    },
  }),
  readHead(reader, agreed) {
    const magnitudes = readTable(
      reader,
      "magnitudes",
      MAX_MAGNITUDES,
      agreed === null || agreed.levels === "auto" ? null : agreed.levels,
    );
    if (magnitudes[0]! < 0)
      throw new WireError("bad-field", reader.placed("magnitudes 0"), `${magnitudes[0]} is negative`);
    return {
      leastBits: 1 + placeBits(0, magnitudes.length),
      read(bits, count, place) {
        const values = new Float32Array(count);
        for (let i = 0; i < count; i++) {
          const minus = bits.read(1);
          const code = 2 * readPlace(bits, magnitudes.length) + minus;
          if (minus === 1 && magnitudes[code >>> 1] === 0)
            throw new WireError("bad-field", place, `value ${i} is minus zero`);
          values[i] = signedValue(magnitudes, code);
        }
        return values;
      },
    };
  },
};

export const MAX_MAGNITUDES = 3;

/** Of 1 to 3 magnitudes those with the least squared error, bits counted at what a bit is worth; of equals the fewest. */
function paying(sizes: Float32Array, perBit: number): Float32Array {
  let best = { cost: Infinity, magnitudes: sizes };
  for (let count = 1; count <= MAX_MAGNITUDES; count++) {
    const magnitudes = centroidsOf(sizes, count);
    const places = nearestOf(sizes, magnitudes);
    let error = 0;
    let bits = 32 * magnitudes.length;
    for (let i = 0; i < sizes.length; i++) {
      error += (sizes[i]! - magnitudes[places[i]!]!) ** 2;
      bits += placeBits(places[i]!, magnitudes.length);
    }
    const cost = error + perBit * bits;
    if (cost < best.cost) best = { cost, magnitudes };
  }
  return best.magnitudes;
}

const signedValue = (magnitudes: Float32Array, code: number): number =>
  code % 2 === 1 ? -magnitudes[code >>> 1]! : magnitudes[code >>> 1]!;

/** Of one magnitude nothing is written; of two or three a 0 for the first; of three one more bit for the others. */
const placeBits = (place: number, count: number): number =>
  count === 1 ? 0 : place === 0 || count === 2 ? 1 : 2;

function writePlace(writer: BitWriter, place: number, count: number): void {
  if (count > 1) writer.write(place === 0 ? 0 : 1, 1);
  if (count > 2 && place > 0) writer.write(place - 1, 1);
}

function readPlace(bits: BitReader, count: number): number {
  if (count === 1 || bits.read(1) === 0) return 0;
  return count === 2 ? 1 : 1 + bits.read(1);
}
