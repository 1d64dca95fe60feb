import type {
  Conv2DAttrs,
  Conv2DBackpropFilterAttrs,
  Conv2DBackpropInputAttrs,
  FusedConv2DAttrs,
  TensorInfo,
} from "@tensorflow/tfjs-core";
import { backend_util } from "@tensorflow/tfjs-core";
import type { Geometry } from "../../kernels/kernels.ts";
import { addBias, isSimpleActivation } from "./bias.ts";
import { areFloat, type Replacement, replacement } from "./replacement.ts";
import type { Workspace } from "./workspace.ts";

// Convolutions, NHWC; anything else goes to the backend's own kernel. Ours are also right for 'same' padding with a
// stride above the kernel, where the stock forward kernels return zeros (tfjs issues 5907, 5920).

export interface ForwardInputs {
  readonly x: TensorInfo;
  readonly filter: TensorInfo;
  readonly bias?: TensorInfo | null;
}

export const conv2D: Replacement = replacement<ForwardInputs, Conv2DAttrs>(
  (workspace, { inputs: { x, filter }, attrs }) =>
    isNhwcFloat(attrs, x, filter) ? forward(workspace, x, filter, attrs) : null,
);

export const fusedConv2D: Replacement = replacement<ForwardInputs, FusedConv2DAttrs>(
  (workspace, { inputs: { x, filter, bias }, attrs }) => {
    if (!isNhwcFloat(attrs, x, filter) || !isSimpleActivation(attrs.activation, bias, filter.shape[3]!))
      return null;
    const out = forward(workspace, x, filter, attrs);
    addBias(workspace, out, bias, attrs.activation);
    return out;
  },
);

export const conv2DBackpropFilter: Replacement = replacement<
  { readonly x: TensorInfo; readonly dy: TensorInfo },
  Conv2DBackpropFilterAttrs
>((workspace, { inputs: { x, dy }, attrs }) => {
  if (!isNhwcFloat(attrs, x, dy)) return null;
  const { heap, kernels, scratch } = workspace;
  const out = heap.output(attrs.filterShape);
  const geometry = workspace.place(geometryOf(x.shape, attrs.filterShape, attrs));
  const windows = workspace.roomFor(kernels.convWindowBytes(geometry));
  const [xAt, dyAt, outAt] = [heap.pointerTo(x), heap.pointerTo(dy), heap.pointerTo(out)];
  kernels.convFilterGradient(geometry, xAt, dyAt, outAt, windows, scratch);
  return out;
});

export const conv2DBackpropInput: Replacement = replacement<
  { readonly dy: TensorInfo; readonly filter: TensorInfo },
  Conv2DBackpropInputAttrs
>((workspace, { inputs: { dy, filter }, attrs }) => {
  if (!isNhwcFloat(attrs, dy, filter)) return null;
  const { heap, kernels, scratch } = workspace;
  const out = heap.output(attrs.inputShape);
  const geometry = workspace.place(geometryOf(attrs.inputShape, filter.shape, attrs));
  const windows = workspace.roomFor(kernels.convWindowBytes(geometry));
  const [dyAt, filterAt, outAt] = [heap.pointerTo(dy), heap.pointerTo(filter), heap.pointerTo(out)];
  kernels.convInputGradient(geometry, dyAt, filterAt, outAt, windows, scratch);
  return out;
});

type ConvOptions = Pick<Conv2DAttrs, "strides" | "pad" | "dimRoundingMode"> & Partial<Conv2DAttrs>;

export const isNhwcFloat = (
  { dataFormat }: { readonly dataFormat?: string },
  ...tensors: readonly TensorInfo[]
): boolean => dataFormat !== "NCHW" && areFloat(...tensors);

function forward(workspace: Workspace, x: TensorInfo, filter: TensorInfo, attrs: ConvOptions): TensorInfo {
  const { heap, kernels, scratch } = workspace;
  const shape = geometryOf(x.shape, filter.shape, attrs);
  const out = heap.output([shape.batch, shape.outHeight, shape.outWidth, shape.outChannels]);
  const geometry = workspace.place(shape);
  const windows = workspace.roomFor(kernels.convWindowBytes(geometry));
  const [xAt, filterAt, outAt] = [heap.pointerTo(x), heap.pointerTo(filter), heap.pointerTo(out)];
  kernels.convForward(geometry, xAt, filterAt, outAt, windows, scratch);
  return out;
}

type Shape4D = [number, number, number, number];

export function geometryOf(
  inShape: readonly number[],
  filterShape: readonly number[],
  attrs: ConvOptions,
  isDepthwise = false,
): Geometry {
  const { strides, pad, dilations, dimRoundingMode } = attrs;
  const info = backend_util.computeConv2DInfo(
    inShape as Shape4D,
    filterShape as Shape4D,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    isDepthwise,
  );
  return { ...info, batch: info.batchSize, padTop: info.padInfo.top, padLeft: info.padInfo.left };
}
