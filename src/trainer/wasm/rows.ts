import type { GatherV2Attrs, TensorInfo, UnsortedSegmentSumAttrs } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { areFloat, type Replacement, replacement } from "./replacement.ts";

// Rows by their number: what an embedding needs forward and backward.

/** Throws RangeError for an index that is not on the axis. */
export const gather: Replacement = replacement<
  { readonly x: TensorInfo; readonly indices: TensorInfo },
  GatherV2Attrs
>(({ heap, kernels }, { inputs: { x, indices }, attrs: { axis, batchDims } }) => {
  if (!areFloat(x) || indices.dtype !== "int32" || batchDims !== 0) return null;
  const along = util.parseAxisParam(axis, x.shape)[0]!;
  const length = x.shape[along]!;
  const count = util.sizeFromShape(indices.shape);
  const odd = heap.ints(heap.pointerTo(indices), count).find((index) => !(index >= 0 && index < length));
  if (odd !== undefined) throw new RangeError(`gather: index ${odd} is not in 0..${length - 1}`);
  const before = x.shape.slice(0, along);
  const behind = x.shape.slice(along + 1);
  const out = heap.output([...before, ...indices.shape, ...behind]);
  const [outer, inner] = [util.sizeFromShape(before), util.sizeFromShape(behind)];
  const [xAt, indicesAt, outAt] = [heap.pointerTo(x), heap.pointerTo(indices), heap.pointerTo(out)];
  kernels.gatherRows(xAt, indicesAt, outer, length, count, inner, outAt);
  return out;
});

/** The gradient of `gather` along the first axis. */
export const segmentSum: Replacement = replacement<
  { readonly x: TensorInfo; readonly segmentIds: TensorInfo },
  UnsortedSegmentSumAttrs
>(({ heap, kernels }, { inputs: { x, segmentIds }, attrs: { numSegments } }) => {
  const [count, ...row] = x.shape;
  const isPlain = segmentIds.shape.length === 1 && segmentIds.shape[0] === count;
  if (!areFloat(x) || segmentIds.dtype !== "int32" || !isPlain) return null;
  const out = heap.output([numSegments, ...row]);
  const [xAt, idsAt, outAt] = [heap.pointerTo(x), heap.pointerTo(segmentIds), heap.pointerTo(out)];
  kernels.segmentSum(xAt, idsAt, count!, util.sizeFromShape(row), numSegments, outAt);
  return out;
});
