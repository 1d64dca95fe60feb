import { WireError } from "../../model/error.ts";
import { varintBytes } from "../bytes.ts";
import { codesAt, lookUp, type ValueFormat } from "./coder.ts";
import { readCodes, shorterCodes } from "./codes.ts";
import { centroidsOf, nearestOf } from "./lloyd.ts";
import { readTable, writeTable } from "./table.ts";

/**
 * Weight sharing by k-means (Deep Compression; Han, Mao and Dally, 2016): a table of at most `codebook` centroids, 2
 * to 256, and for every value the place of the nearest; the places as they are or by rANS, where the paper has Huffman.
 */
export const codebook: ValueFormat<{ readonly codebook: number }> = {
  coder: ({ codebook: most }) => ({
    loses: "contraction",
    quantize(values) {
      const centroids = centroidsOf(values, most);
      const codes = Uint8Array.from(nearestOf(values, centroids));
      return {
        values: lookUp(centroids, codes),
        code(places) {
          const { isRans, bits, write } = shorterCodes(codesAt(codes, places), widthOf(centroids.length));
          return {
            headBytes: varintBytes(centroids.length) + 4 * centroids.length + 1,
            bits,
            writeHead(writer) {
              writeTable(writer, centroids);
              writer.uint8(isRans ? 1 : 0);
            },
            writeValues: write,
          };
        },
      };
    },
  }),
  readHead(reader, agreed) {
    const centroids = readTable(reader, "centroids", MAX_CENTROIDS, agreed?.codebook ?? null);
    const width = widthOf(centroids.length);
    const isRans = reader.uint8("code", 0, 1) === 1;
    return {
      leastBits: isRans ? 0 : width,
      read(bits, count, place) {
        const codes = readCodes(bits, width, isRans, count, place);
        const odd = codes.findIndex((code) => code >= centroids.length);
        if (odd >= 0) throw new WireError("bad-field", place, `value ${odd} has centroid ${codes[odd]}`);
        return { codes, table: centroids };
      },
    };
  },
};

export const MAX_CENTROIDS = 256;

/** Bits of the highest place, one at least. */
const widthOf = (count: number): number => Math.max(1, 32 - Math.clz32(count - 1));
