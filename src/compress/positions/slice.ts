import { assert } from "../../model/assert.ts";
import { WireError } from "../../model/error.ts";
import { type AxisSlice, sliceOf, slicePositions, sliceShape } from "../../model/slice.ts";
import { type Positions, sizeOf } from "../../model/tensor.ts";
import { type ByteReader, varintBytes } from "../bytes.ts";
import type { PositionCode, PositionReader } from "./coder.ts";

/** A width slice: two numbers an axis, whatever the size of the tensor. Null when the positions are none. */
export function sliceCode(positions: Positions, shape: readonly number[]): PositionCode | null {
  const slice = sliceOf(positions, shape);
  if (slice === null) return null;
  return {
    headBytes: slice.reduce((n, { parts, keep }) => n + varintBytes(parts) + varintBytes(keep), 0),
    bits: 0,
    writeHead(writer) {
      for (const { parts, keep } of slice) {
        writer.varint(parts);
        writer.varint(keep);
      }
    },
    writePositions: () => {},
  };
}

/** Without a shape the axes are read, as many as there are, but no positions. */
export function readSlice(reader: ByteReader, shape: readonly number[] | null): PositionReader {
  const slice: AxisSlice[] = [];
  for (let axis = 0; shape === null ? reader.remaining() > 0 : axis < shape.length; axis++) {
    const size = shape?.[axis] ?? 0xffffffff;
    const parts = reader.varint(`axis ${axis} parts`, 0, 0xffffffff);
    // nor do 0 and what is above the size
    if (shape !== null && size % parts !== 0)
      throw new WireError("bad-field", reader.placed(`axis ${axis} parts`), `${parts} in an axis of ${size}`);
    slice.push({ parts, keep: reader.varint(`axis ${axis} keep`, 1, Math.floor(size / parts)) });
  }
  return {
    count: shape === null ? null : sizeOf(sliceShape(shape, slice)),
    leastBits: 0,
    read() {
      assert(shape !== null, "a slice has positions only in a shape");
      return slicePositions(shape, slice);
    },
  };
}
