import type { SumAttrs, TensorInfo } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { areFloat, type Replacement, replacement } from "./replacement.ts";

export const sum: Replacement = blockReduction(() => 1);
export const mean: Replacement = blockReduction((count) => 1 / count);

/** Over axes that lie next to each other; others, and none, are left to the stock kernel. */
function blockReduction(scaleOf: (count: number) => number): Replacement {
  return replacement<{ readonly x: TensorInfo }, SumAttrs>((workspace, { inputs: { x }, attrs }) => {
    const axes = util.parseAxisParam(attrs.axis, x.shape).sort((a, b) => a - b);
    const first = axes[0];
    if (first === undefined || axes.at(-1)! - first !== axes.length - 1 || !areFloat(x)) return null;
    const before = x.shape.slice(0, first);
    const over = x.shape.slice(first, first + axes.length);
    const behind = x.shape.slice(first + axes.length);
    const count = util.sizeFromShape(over);
    const { heap, kernels } = workspace;
    const out = heap.output([...before, ...(attrs.keepDims ? over.map(() => 1) : []), ...behind]);
    const [outer, inner] = [util.sizeFromShape(before), util.sizeFromShape(behind)];
    kernels.blockSum(heap.pointerTo(x), outer, count, inner, scaleOf(count), heap.pointerTo(out));
    return out;
  });
}
