import type { TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { areFloat, type Replacement, replacement } from "./replacement.ts";
import type { Workspace } from "./workspace.ts";

/** Whether `addBias` can do it: no activation or relu, and no bias or one value a column. */
export const isSimpleActivation = (
  activation: string | null | undefined,
  bias: TensorInfo | null | undefined,
  cols: number,
): boolean =>
  (activation === "relu" || activation === "linear" || activation == null) &&
  (bias == null || (bias.dtype === "float32" && util.sizeFromShape(bias.shape) === cols));

/** Adds a bias over the last axis (if there is one) and applies relu (if asked), in place, to a kernel's own output. */
export function addBias(
  { heap, kernels }: Workspace,
  out: TensorInfo,
  bias: TensorInfo | undefined | null,
  activation: string | null | undefined,
): void {
  const relu = activation === "relu";
  if (bias == null && !relu) return;
  const cols = out.shape.at(-1)!;
  const rows = util.sizeFromShape(out.shape) / Math.max(1, cols);
  const at = heap.pointerTo(out);
  kernels.biasActivation(at, rows, cols, bias == null ? 0 : heap.pointerTo(bias), relu, at);
}

/** Adding a vector along the last axis, as layers add their bias: the stock kernel steps through indices for it. */
export const add: Replacement = replacement<{ readonly a: TensorInfo; readonly b: TensorInfo }, object>(
  ({ heap, kernels }, { inputs: { a, b } }) => {
    const cols = a.shape.at(-1);
    if (
      cols === undefined ||
      a.shape.length < 2 ||
      b.shape.length !== 1 ||
      b.shape[0] !== cols ||
      !areFloat(a, b)
    )
      return null;
    const out = heap.output(a.shape);
    const rows = util.sizeFromShape(a.shape) / Math.max(1, cols);
    const [aAt, bAt, outAt] = [heap.pointerTo(a), heap.pointerTo(b), heap.pointerTo(out)];
    kernels.biasActivation(aAt, rows, cols, bAt, false, outAt);
    return out;
  },
);
