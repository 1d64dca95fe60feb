import { WireError } from "../../model/error.ts";
import type { Positions } from "../../model/tensor.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import type { Matrix } from "../matrix.ts";
import { coordinatesOf, numUnits, sizeOfUnits, type UnitLayout } from "../units.ts";
import { bitmap, readBitmap } from "./bitmap.ts";
import type { PositionCode, PositionReader } from "./coder.ts";
import { golombRice, readGolombRice } from "./golomb-rice.ts";

const AXES = ["rows", "columns"] as const;
/** As many as a model may have tensors: each takes more memory than its two bytes. */
const MAX_MATRICES = 4096;
const CODES = ["golomb-rice", "bitmap"] as const;

/** Whole rows or columns of matrices: the matrices' sizes, and then the list of units as if each were a coordinate. */
export function unitPositions(units: Positions, layout: UnitLayout): PositionCode {
  const codes = [golombRice(units), bitmap(units, numUnits(layout))];
  const cost = (code: number): number => 8 * codes[code]!.headBytes + codes[code]!.bits;
  const shorter = cost(1) < cost(0) ? 1 : 0;
  const { headBytes, bits, writeHead, writePositions } = codes[shorter]!;
  const { axis, matrices } = layout;
  return {
    headBytes: matrices.reduce(
      (sum, { rows, cols }) => sum + varintBytes(rows) + varintBytes(cols),
      2 + headBytes,
    ),
    bits,
    writeHead(writer) {
      writer.uint8(AXES.indexOf(axis));
      writer.uint8(shorter);
      for (const { rows, cols } of matrices) {
        writer.varint(rows);
        writer.varint(cols);
      }
      writeHead(writer);
    },
    writePositions,
  };
}

/** Matrices follow until they have all coordinates of the vector; one that has more than are left is `bad-shape`. */
export function readUnitPositions(reader: ByteReader, length: number): PositionReader {
  const axis = AXES[reader.uint8("axis", 0, AXES.length - 1, (id) => AXES[id]!)]!;
  const code = CODES[reader.uint8("code", 0, CODES.length - 1, (id) => CODES[id]!)]!;
  const matrices: Matrix[] = [];
  for (let left = length; left > 0; ) {
    const rows = reader.varint("rows", 1, length);
    const cols = reader.varint("cols", 1, length);
    if (rows * cols > left)
      throw new WireError(
        "bad-shape",
        reader.placed("cols"),
        `a matrix of ${rows} by ${cols}, ${left} are left`,
      );
    if (matrices.length === MAX_MATRICES)
      throw new WireError("too-large", reader.placed("rows"), `more than ${MAX_MATRICES} matrices`);
    matrices.push({ rows, cols });
    left -= rows * cols;
  }
  const layout: UnitLayout = { axis, matrices };
  const count = numUnits(layout);
  const units = code === "bitmap" ? readBitmap(count) : readGolombRice(reader, count);
  // an empty support has one form only
  if (units.count === 0) throw new WireError("bad-field", reader.placed("count"), "0, expected 1 or more");
  return {
    count: null,
    leastBits: units.leastBits,
    read(bits, place, expect) {
      const sent = units.read(bits, place, expect)!;
      expect(sizeOfUnits(sent, layout));
      return coordinatesOf(sent, layout);
    },
  };
}
