import type {
  DepthwiseConv2dNativeAttrs,
  DepthwiseConv2dNativeBackpropFilterAttrs,
  DepthwiseConv2dNativeBackpropInputAttrs,
  FusedDepthwiseConv2DAttrs,
  TensorInfo,
} from "@tensorflow/tfjs-core";
import { addBias, isSimpleActivation } from "./bias.ts";
import { type ForwardInputs, geometryOf, isNhwcFloat } from "./conv.ts";
import { type Replacement, replacement } from "./replacement.ts";
import type { Workspace } from "./workspace.ts";

// Depthwise convolutions, NHWC. The stock backend has no gradients of them, and returns zeros for 'same' padding with
// a stride above the kernel.

type Options = Pick<DepthwiseConv2dNativeAttrs, "strides" | "pad" | "dimRoundingMode"> &
  Partial<DepthwiseConv2dNativeAttrs>;

export const depthwiseConv2D: Replacement = replacement<ForwardInputs, DepthwiseConv2dNativeAttrs>(
  (workspace, { inputs: { x, filter }, attrs }) =>
    isNhwcFloat(attrs, x, filter) ? forward(workspace, x, filter, attrs) : null,
);

export const fusedDepthwiseConv2D: Replacement = replacement<ForwardInputs, FusedDepthwiseConv2DAttrs>(
  (workspace, { inputs: { x, filter, bias }, attrs }) => {
    const outChannels = filter.shape[2]! * filter.shape[3]!;
    if (!isNhwcFloat(attrs, x, filter) || !isSimpleActivation(attrs.activation, bias, outChannels))
      return null;
    const out = forward(workspace, x, filter, attrs);
    addBias(workspace, out, bias, attrs.activation);
    return out;
  },
);

export const depthwiseBackpropFilter: Replacement = replacement<
  { readonly x: TensorInfo; readonly dy: TensorInfo },
  DepthwiseConv2dNativeBackpropFilterAttrs
>((workspace, { inputs: { x, dy }, attrs }) => {
  if (!isNhwcFloat({}, x, dy)) return null;
  const { heap, kernels } = workspace;
  const out = heap.output(attrs.filterShape);
  const geometry = workspace.place(geometryOf(x.shape, attrs.filterShape, attrs, true));
  kernels.depthwiseFilterGradient(geometry, heap.pointerTo(x), heap.pointerTo(dy), heap.pointerTo(out));
  return out;
});

export const depthwiseBackpropInput: Replacement = replacement<
  { readonly dy: TensorInfo; readonly filter: TensorInfo },
  DepthwiseConv2dNativeBackpropInputAttrs
>((workspace, { inputs: { dy, filter }, attrs }) => {
  if (!isNhwcFloat({}, dy, filter)) return null;
  const { heap, kernels } = workspace;
  const out = heap.output(attrs.inputShape);
  const geometry = workspace.place(geometryOf(attrs.inputShape, filter.shape, attrs, true));
  kernels.depthwiseInputGradient(geometry, heap.pointerTo(dy), heap.pointerTo(filter), heap.pointerTo(out));
  return out;
});

function forward(workspace: Workspace, x: TensorInfo, filter: TensorInfo, attrs: Options): TensorInfo {
  const { heap, kernels } = workspace;
  const shape = geometryOf(x.shape, filter.shape, attrs, true);
  const out = heap.output([shape.batch, shape.outHeight, shape.outWidth, shape.outChannels]);
  const geometry = workspace.place(shape);
  kernels.depthwiseForward(geometry, heap.pointerTo(x), heap.pointerTo(filter), heap.pointerTo(out));
  return out;
}
