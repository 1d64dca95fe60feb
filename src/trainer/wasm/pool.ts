import type { AvgPoolGradAttrs, MaxPoolGradAttrs, TensorInfo } from "@tensorflow/tfjs-core";
import { backend_util } from "@tensorflow/tfjs-core";
import type { Geometry } from "../../kernels/kernels.ts";
import { areFloat, type Replacement, replacement } from "./replacement.ts";

// Gradients of pooling, NHWC.

interface GradInputs {
  readonly dy: TensorInfo;
  readonly input: TensorInfo;
}

/** The stock kernel gives a window no gradient when its maximum is zero or below. */
export const maxPoolGrad: Replacement = replacement<GradInputs, MaxPoolGradAttrs>(
  (workspace, { inputs: { dy, input }, attrs }) => {
    if (!areFloat(dy, input)) return null;
    const { heap, kernels } = workspace;
    const out = heap.output(input.shape);
    const geometry = workspace.place(geometryOf(input.shape, attrs));
    kernels.maxPoolGradient(geometry, heap.pointerTo(input), heap.pointerTo(dy), heap.pointerTo(out));
    return out;
  },
);

export const avgPoolGrad: Replacement = replacement<GradInputs, AvgPoolGradAttrs>(
  (workspace, { inputs: { dy, input }, attrs }) => {
    if (!areFloat(dy, input)) return null;
    const { heap, kernels } = workspace;
    const out = heap.output(input.shape);
    const geometry = workspace.place(geometryOf(input.shape, attrs));
    kernels.avgPoolGradient(geometry, heap.pointerTo(dy), heap.pointerTo(out));
    return out;
  },
);

type PoolOptions = Pick<MaxPoolGradAttrs, "filterSize" | "strides" | "pad"> & Partial<MaxPoolGradAttrs>;

function geometryOf(inShape: readonly number[], attrs: PoolOptions): Geometry {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const shape = inShape as [number, number, number, number];
  const info = backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  return { ...info, batch: info.batchSize, padTop: info.padInfo.top, padLeft: info.padInfo.left };
}
