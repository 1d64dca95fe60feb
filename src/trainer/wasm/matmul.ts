import type { _FusedMatMulAttrs, BatchMatMulAttrs, TensorInfo } from "@tensorflow/tfjs-core";
import { broadcast_util, util } from "@tensorflow/tfjs-core";
import { addBias, isSimpleActivation } from "./bias.ts";
import { areFloat, type Replacement, replacement } from "./replacement.ts";
import type { Workspace } from "./workspace.ts";

// Matrix products. The stock kernel is fast for A·B only; every dense layer's gradient needs Aᵀ·B and A·Bᵀ too.

interface Operands {
  readonly a: TensorInfo;
  readonly b: TensorInfo;
  readonly bias?: TensorInfo | null;
}

export const batchMatMul: Replacement = replacement<Operands, BatchMatMulAttrs>(
  (workspace, { inputs: { a, b }, attrs }) => (areFloat(a, b) ? multiply(workspace, a, b, attrs) : null),
);

export const fusedMatMul: Replacement = replacement<Operands, _FusedMatMulAttrs>(
  (workspace, { inputs: { a, b, bias }, attrs }) => {
    const cols = b.shape.at(attrs.transposeB ? -2 : -1)!;
    if (!areFloat(a, b) || !isSimpleActivation(attrs.activation, bias, cols)) return null;
    const out = multiply(workspace, a, b, attrs);
    addBias(workspace, out, bias, attrs.activation);
    return out;
  },
);

function multiply(workspace: Workspace, a: TensorInfo, b: TensorInfo, attrs: BatchMatMulAttrs): TensorInfo {
  const { heap, kernels, scratch } = workspace;
  const { transposeA, transposeB } = attrs;
  const [aRows, aCols] = a.shape.slice(-2) as [number, number];
  const [bRows, bCols] = b.shape.slice(-2) as [number, number];
  const [rows, depth] = transposeA ? [aCols, aRows] : [aRows, aCols];
  const cols = transposeB ? bRows : bCols;
  const [aRowStride, aColStride] = transposeA ? [1, aCols] : [aCols, 1];
  const [bRowStride, bColStride] = transposeB ? [1, bCols] : [bCols, 1];
  const aBatch = a.shape.slice(0, -2);
  const bBatch = b.shape.slice(0, -2);
  const batch = broadcast_util.assertAndGetBroadcastShape(aBatch, bBatch);
  const out = heap.output([...batch, rows, cols]);
  const count = util.sizeFromShape(batch);
  const aAt = batchOffsets(aBatch, batch);
  const bAt = batchOffsets(bBatch, batch);
  for (let i = 0; i < count; i++)
    kernels.gemm(
      rows,
      cols,
      depth,
      heap.pointerTo(a) + 4 * rows * depth * aAt(i),
      aRowStride,
      aColStride,
      heap.pointerTo(b) + 4 * depth * cols * bAt(i),
      bRowStride,
      bColStride,
      heap.pointerTo(out) + 4 * rows * cols * i,
      cols,
      false,
      scratch,
    );
  return out;
}

/** Which matrix of an operand goes into the i-th product, when its batch shape is broadcast to `batch`. */
function batchOffsets(shape: readonly number[], batch: readonly number[]): (i: number) => number {
  if (util.sizeFromShape([...shape]) === util.sizeFromShape([...batch])) return (i) => i;
  return (i) => {
    let rest = i;
    let offset = 0;
    let stride = 1;
    for (let axis = 1; axis <= batch.length; axis++) {
      const length = batch.at(-axis)!;
      const own = shape.at(-axis) ?? 1;
      if (axis <= shape.length && own !== 1) offset += (rest % length) * stride;
      rest = Math.floor(rest / length);
      stride *= own;
    }
    return offset;
  };
}
