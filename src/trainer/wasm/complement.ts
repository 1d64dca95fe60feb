import * as tf from "@tensorflow/tfjs-core";
import { identity, reluGrad, softmax, softmaxGrad } from "./activation.ts";
import { add } from "./bias.ts";
import { conv2D, conv2DBackpropFilter, conv2DBackpropInput, fusedConv2D } from "./conv.ts";
import { tile, transpose } from "./copy.ts";
import {
  depthwiseBackpropFilter,
  depthwiseBackpropInput,
  depthwiseConv2D,
  fusedDepthwiseConv2D,
} from "./depthwise.ts";
import { einsum } from "./einsum.ts";
import {
  attention,
  attentionGrad,
  gelu,
  gru,
  gruGrad,
  layerNorm,
  layerNormGrad,
  lstm,
  lstmGrad,
} from "./fused.ts";
import { installGradients } from "./gradients.ts";
import { batchMatMul, fusedMatMul } from "./matmul.ts";
import { avgPoolGrad, maxPoolGrad } from "./pool.ts";
import { mean, sum } from "./reduce.ts";
import type { Replacement } from "./replacement.ts";
import { gather, segmentSum } from "./rows.ts";
import type { Workspace } from "./workspace.ts";

/** The kernels that tfjs' wasm backend lacks, has wrong, or is slow at, and those of `trainer/ops`. The others stay. */
export const replacements: Readonly<Record<string, Replacement>> = {
  Conv2D: conv2D,
  FusedConv2D: fusedConv2D,
  Conv2DBackpropFilter: conv2DBackpropFilter,
  Conv2DBackpropInput: conv2DBackpropInput,
  DepthwiseConv2dNative: depthwiseConv2D,
  FusedDepthwiseConv2D: fusedDepthwiseConv2D,
  DepthwiseConv2dNativeBackpropFilter: depthwiseBackpropFilter,
  DepthwiseConv2dNativeBackpropInput: depthwiseBackpropInput,
  BatchMatMul: batchMatMul,
  _FusedMatMul: fusedMatMul,
  MaxPoolGrad: maxPoolGrad,
  AvgPoolGrad: avgPoolGrad,
  Add: add,
  Identity: identity,
  Sum: sum,
  Mean: mean,
  Softmax: softmax,
  ReluGrad: reluGrad,
  SoftmaxGrad: softmaxGrad,
  Transpose: transpose,
  Tile: tile,
  Einsum: einsum,
  GatherV2: gather,
  UnsortedSegmentSum: segmentSum,
  Lstm: lstm,
  LstmGrad: lstmGrad,
  Gru: gru,
  GruGrad: gruGrad,
  LayerNorm: layerNorm,
  LayerNormGrad: layerNormGrad,
  Attention: attention,
  AttentionGrad: attentionGrad,
  Gelu: gelu,
};

/** Kernels now in force on the wasm backend, and a way back to the stock ones. */
export interface Complement {
  /** Throws unless tfjs runs on the wasm backend with every replacement in place. */
  check(): void;
  /** Puts the stock kernels back: for tests that show what is wrong with them. */
  remove(): void;
}

const BACKEND = "wasm";

export function installComplement(workspace: Workspace): Complement {
  const stock = new Map<string, tf.KernelConfig | undefined>();
  const ours = new Map<string, tf.KernelFunc>();
  for (const [kernelName, replace] of Object.entries(replacements)) {
    const config = tf.getKernel(kernelName, BACKEND);
    stock.set(kernelName, config);
    const kernelFunc = replace(workspace, config?.kernelFunc ?? missing(kernelName));
    ours.set(kernelName, kernelFunc);
    exchange(kernelName, { kernelName, backendName: BACKEND, kernelFunc });
  }
  const restoreGradients = installGradients();
  return {
    check: () => {
      if (tf.getBackend() !== BACKEND)
        throw new Error(`training needs tfjs' ${BACKEND} backend, but ${tf.getBackend()} is active`);
      for (const [name, kernelFunc] of ours)
        if (tf.getKernel(name, BACKEND)?.kernelFunc !== kernelFunc)
          throw new Error(`training needs fedpress' ${name} kernel: the stock wasm backend trains wrongly`);
    },
    remove: () => {
      restoreGradients();
      for (const [name, config] of stock) exchange(name, config);
    },
  };
}

function exchange(kernelName: string, config: tf.KernelConfig | undefined): void {
  if (tf.getKernel(kernelName, BACKEND) !== undefined) tf.unregisterKernel(kernelName, BACKEND);
  if (config !== undefined) tf.registerKernel(config);
}

const missing = (kernelName: string) => (): never => {
  throw new Error(`${kernelName} works here on float32 tensors only, and on images in NHWC order`);
};
