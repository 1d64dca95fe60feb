import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import type { Rng } from "../model/rng.ts";
import { functionLayer } from "./function-layer.ts";
import { type Architecture, type Layer, layerShapes, nameOf, tensorsOf } from "./layers.ts";
import { attention } from "./ops/attention.ts";
import { gelu } from "./ops/gelu.ts";
import { groupNorm, groupsOf } from "./ops/group-norm.ts";
import { layerNorm } from "./ops/layer-norm.ts";
import { gru, lstm } from "./ops/recurrent.ts";

/** What dropout draws from while a model trains; null, and nothing is dropped. */
export interface DropoutSource {
  rng: Rng | null;
}

/** The architecture as a tfjs layers model, all weights zero; its outputs are logits. */
export function buildModel(
  architecture: Architecture,
  dropout: DropoutSource = { rng: null },
): tfl.LayersModel {
  const { name, layers } = architecture;
  const shapes = layerShapes(architecture);
  const model = tfl.sequential({ name });
  layers.forEach((layer, i) => {
    const inputShape = i === 0 ? { inputShape: [...shapes[0]!] } : {};
    const standard = standardLayer(layer, { ...inputShape, name: nameOf(layer, i) });
    model.add(
      standard ??
        functionLayer({
          ...inputShape,
          name: nameOf(layer, i),
          tensors: tensorsOf(layer, shapes[i]!),
          outputShape: shapes[i + 1]!,
          run: (x, tensors) => run(layer, x, tensors, dropout),
        }),
    );
  });
  return model;
}

/** The layers that tfjs has; null for ours. */
function standardLayer(
  layer: Layer,
  common: { readonly name: string; readonly inputShape?: number[] },
): tfl.layers.Layer | null {
  const zeros = { kernelInitializer: "zeros", biasInitializer: "zeros" } as const;
  switch (layer.kind) {
    case "conv":
      return tfl.layers.conv2d({ ...zeros, ...common, ...layer });
    case "max-pool":
      return tfl.layers.maxPooling2d({ ...common, poolSize: layer.size });
    case "flatten":
      return tfl.layers.flatten(common);
    case "dense":
      return tfl.layers.dense({ ...zeros, ...common, ...layer });
    default:
      return null;
  }
}

function run(layer: Layer, x: tf.Tensor, tensors: readonly tf.Tensor[], dropout: DropoutSource): tf.Tensor {
  switch (layer.kind) {
    case "depthwise-conv": {
      const [filter, bias] = tensors as [tf.Tensor4D, tf.Tensor];
      const { padding: pad, activation } = layer;
      return tf.fused.depthwiseConv2d({ x: x as tf.Tensor4D, filter, bias, strides: 1, pad, activation });
    }
    case "global-average-pool":
      return tf.mean(x, [...x.shape.keys()].slice(1, -1));
    case "dropout":
      return dropOut(x, layer.rate, dropout);
    case "embedding":
      return tf.gather(tensors[0]!, tf.cast(x, "int32"));
    case "position-embedding":
      return tf.add(x, tensors[0]!);
    case "layer-norm":
      return layerNorm(x, tensors[0]!, tensors[1]!);
    case "group-norm": {
      const y = groupNorm(x, tensors[0]!, tensors[1]!, groupsOf(x.shape.at(-1)!, layer.groups));
      return layer.activation === "relu" ? tf.relu(y) : y;
    }
    case "residual":
      return residualBlock(x as tf.Tensor4D, tensors, layer);
    case "pair": {
      const [first, second] = tf.split(x, 2, 1).map((half) => tf.squeeze(half, [1])) as [
        tf.Tensor,
        tf.Tensor,
      ];
      return tf.concat([first, second, tf.mul(first, second)], 1);
    }
    case "lstm":
    case "gru": {
      const [kernel, recurrent, bias] = tensors as [tf.Tensor, tf.Tensor, tf.Tensor];
      const h = (layer.kind === "lstm" ? lstm : gru)(x, { kernel, recurrent, bias });
      return layer.output === "last" ? lastStep(h) : h;
    }
    case "transformer":
      return transformerBlock(x, tensors, layer.heads);
    default:
      throw new Error(`no layer is called ${layer.kind}`);
  }
}

export const dropOut = (x: tf.Tensor, rate: number, { rng }: DropoutSource): tf.Tensor =>
  rng === null ? x : tf.mul(x, dropoutMask(x.shape, rate, rng));

function dropoutMask(shape: readonly number[], rate: number, rng: Rng): tf.Tensor {
  const scale = 1 / (1 - rate);
  const mask = new Float32Array(tf.util.sizeFromShape([...shape]));
  for (let i = 0; i < mask.length; i++) mask[i] = rng.uniform() < rate ? 0 : scale;
  return tf.tensor(mask, [...shape]);
}

function lastStep(h: tf.Tensor): tf.Tensor {
  const [batch, steps, units] = h.shape as [number, number, number];
  return tf.reshape(tf.slice(h, [0, steps - 1, 0], [batch, 1, units]), [batch, units]);
}

/** Tensors in the order of `tensorsOf`. */
function residualBlock(
  x: tf.Tensor4D,
  tensors: readonly tf.Tensor[],
  { filters, stride, groups }: Extract<Layer, { kind: "residual" }>,
): tf.Tensor {
  const [kernel1, bias1, gain1, shift1, kernel2, bias2, gain2, shift2, shortcut, shortcutBias] =
    tensors as readonly tf.Tensor[] & { length: 10 };
  const numGroups = groupsOf(filters, groups);
  const conv = (input: tf.Tensor4D, filter: tf.Tensor, bias: tf.Tensor, strides: number): tf.Tensor4D =>
    tf.fused.conv2d({ x: input, filter: filter as tf.Tensor4D, bias, strides, pad: "same" });
  const first = tf.relu(
    groupNorm(conv(x, kernel1!, bias1!, stride), gain1!, shift1!, numGroups),
  ) as tf.Tensor4D;
  const second = groupNorm(conv(first, kernel2!, bias2!, 1), gain2!, shift2!, numGroups);
  const passed = shortcut === undefined ? x : conv(x, shortcut, shortcutBias!, stride);
  return tf.relu(tf.add(second, passed));
}

/** Tensors in the order of `tensorsOf`. */
function transformerBlock(x: tf.Tensor, tensors: readonly tf.Tensor[], heads: number): tf.Tensor {
  const [gain1, bias1, toQkv, qkvBias, toOut, outBias, gain2, bias2, toHidden, hiddenBias, back, backBias] =
    tensors as tf.Tensor[] & { length: 12 };
  const [batch, steps, width] = x.shape as [number, number, number];
  const dense = (a: tf.Tensor, b: tf.Tensor, bias: tf.Tensor): tf.Tensor => tf.fused.matMul({ a, b, bias });
  const rows = tf.reshape(x, [batch * steps, width]);
  const qkv = dense(layerNorm(rows, gain1!, bias1!), toQkv!, qkvBias!);
  const mixed = attention(tf.reshape(qkv, [batch, steps, 3 * width]), heads);
  const attended = tf.add(rows, dense(tf.reshape(mixed, [batch * steps, width]), toOut!, outBias!));
  const hidden = gelu(dense(layerNorm(attended, gain2!, bias2!), toHidden!, hiddenBias!));
  return tf.reshape(tf.add(attended, dense(hidden, back!, backBias!)), [batch, steps, width]);
}
