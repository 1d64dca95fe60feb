import * as tf from "@tensorflow/tfjs-core";
import { fused } from "./fused.ts";

const EPSILON = 1e-5;

/** Layer normalization (Ba, Kiros and Hinton, 2016) along the last axis; gain and bias [cols], epsilon 1e-5. */
export const layerNorm = (x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor): tf.Tensor =>
  fused({
    kernelName: "LayerNorm",
    attrs: { epsilon: EPSILON },
    inputs: { x, gain, bias },
    kept: ["moments"],
    composed: () => {
      const centred = tf.sub(x, tf.mean(x, -1, true));
      const variance = tf.mean(tf.square(centred), -1, true);
      return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, EPSILON))), gain), bias);
    },
  });
