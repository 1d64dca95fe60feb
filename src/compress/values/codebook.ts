import { WireError } from "../../model/error.ts";
import { varintBytes } from "../bytes.ts";
import { fixedWidth, type ValueFormat } from "./coder.ts";
import { centroidsOf, nearestOf } from "./lloyd.ts";
import { readTable, writeTable } from "./table.ts";

/**
 * Weight sharing by k-means (Deep Compression; Han, Mao and Dally, 2016): a table of at most `codebook` centroids, 2
 * to 256, and for every value the place of the nearest.
 */
export const codebook: ValueFormat<{ readonly codebook: number }> = {
  coder: ({ codebook: most }) => ({
    loses: "contraction",
    quantize(values) {
      const centroids = centroidsOf(values, most);
      const codes = nearestOf(values, centroids);
      const headBytes = varintBytes(centroids.length) + 4 * centroids.length;
      return fixedWidth(
        Float32Array.from(codes, (code) => centroids[code]!),
        codes,
        widthOf(centroids.length),
        headBytes,
        (writer) => writeTable(writer, centroids),
      );
    },
  }),
  readHead(reader, agreed) {
    const centroids = readTable(reader, "centroids", MAX_CENTROIDS, agreed?.codebook ?? null);
    const width = widthOf(centroids.length);
    return {
      leastBits: width,
      read(bits, count, place) {
        const values = new Float32Array(count);
        for (let i = 0; i < count; i++) {
          const code = bits.read(width);
          if (code >= centroids.length)
            throw new WireError("bad-field", place, `value ${i} has centroid ${code}`);
          values[i] = centroids[code]!;
        }
        return values;
      },
    };
  },
};

export const MAX_CENTROIDS = 256;

/** Bits of the highest place, one at least. */
const widthOf = (count: number): number => Math.max(1, 32 - Math.clz32(count - 1));
