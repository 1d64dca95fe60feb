import type { SoftmaxAttrs, TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { areFloat, type Replacement, replacement } from "./replacement.ts";

/** Along the last axis, which is the only one that tfjs asks for. */
export const softmax: Replacement = replacement<{ readonly logits: TensorInfo }, SoftmaxAttrs>(
  (workspace, { inputs: { logits }, attrs: { dim } }) => {
    const cols = logits.shape.at(-1);
    if (cols === undefined || !areFloat(logits) || (dim !== -1 && dim !== logits.shape.length - 1))
      return null;
    const { heap, kernels } = workspace;
    const out = heap.output(logits.shape);
    const rows = util.sizeFromShape(logits.shape) / Math.max(1, cols);
    kernels.softmaxRows(heap.pointerTo(logits), rows, cols, heap.pointerTo(out));
    return out;
  },
);

/** A kernel that tfjs does not have: relu's gradient in one pass instead of step, cast and multiply. */
export const reluGrad: Replacement = replacement<{ readonly x: TensorInfo; readonly dy: TensorInfo }, object>(
  (workspace, { inputs: { x, dy } }) => {
    if (!areFloat(x, dy)) return null;
    const { heap, kernels } = workspace;
    const out = heap.output(x.shape);
    const count = util.sizeFromShape(x.shape);
    kernels.reluGradient(heap.pointerTo(x), heap.pointerTo(dy), count, heap.pointerTo(out));
    return out;
  },
);

/** Clones share their values, as on tfjs' other backends; the stock kernel copies whatever the tape saves. */
export const identity: Replacement = replacement<{ readonly x: TensorInfo }, object>(
  ({ heap }, { inputs: { x } }) => (x.dtype === "string" ? null : heap.share(x)),
);

/** The same for softmax: one pass instead of three. */
export const softmaxGrad: Replacement = replacement<
  { readonly y: TensorInfo; readonly dy: TensorInfo },
  object
>(({ heap, kernels }, { inputs: { y, dy } }) => {
  if (!areFloat(y, dy)) return null;
  const out = heap.output(y.shape);
  const cols = y.shape.at(-1)!;
  const rows = util.sizeFromShape(y.shape) / Math.max(1, cols);
  kernels.softmaxGradientRows(heap.pointerTo(y), heap.pointerTo(dy), rows, cols, heap.pointerTo(out));
  return out;
});
