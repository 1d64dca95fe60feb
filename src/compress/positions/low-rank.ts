import { WireError } from "../../model/error.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import { type LowRank, MAX_RANK, numFactors, product } from "../low-rank.ts";
import type { PositionCode, PositionReader } from "./coder.ts";

/** Everything, where the values are not the coordinates but two factors of the vector as a matrix. */
export const lowRankPositions = ({ rank, rows }: LowRank): PositionCode => ({
  headBytes: varintBytes(rank) + varintBytes(rows),
  bits: 0,
  writeHead(writer) {
    writer.varint(rank);
    writer.varint(rows);
  },
  writePositions: () => {},
});

/** The factors must be fewer numbers than the vector has (`bad-field`), and `rows` a part of it (`bad-shape`). */
export function readLowRank(reader: ByteReader, length: number): PositionReader {
  const rank = reader.varint("rank", 1, MAX_RANK);
  const rows = reader.varint("rows", 1, length);
  const cols = length / rows;
  if (!Number.isInteger(cols))
    throw new WireError("bad-shape", reader.placed("rows"), `${rows} rows of a vector of ${length}`);
  const shape = { rows, cols, rank };
  const count = numFactors(shape);
  if (count >= length)
    throw new WireError("bad-field", reader.placed("rank"), `${count} factors of a vector of ${length}`);
  return {
    count,
    leastBits: 0,
    read: () => null,
    expand(factors, place) {
      const matrix = product(factors, shape);
      if (!matrix.every(Number.isFinite)) throw new WireError("not-finite", place, "the factors' product");
      return matrix;
    },
  };
}
