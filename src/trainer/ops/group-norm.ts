import * as tf from "@tensorflow/tfjs-core";
import { layerNorm } from "./layer-norm.ts";

/**
 * Group normalization (Wu and He, 2018) of images [batch, height, width, channels]: the channels of a group, over all
 * pixels, are brought to mean 0 and variance 1; gain and bias [channels], epsilon 1e-5. `groups` divides the channels.
 */
export function groupNorm(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor, groups: number): tf.Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const size = channels / groups;
  const pixels = height * width;
  const split = tf.transpose(tf.reshape(x, [batch, pixels, groups, size]), [0, 2, 1, 3]);
  const rows = tf.reshape(split, [batch * groups, pixels * size]);
  const even = layerNorm(rows, tf.ones([pixels * size]), tf.zeros([pixels * size]));
  const joined = tf.transpose(tf.reshape(even, [batch, groups, pixels, size]), [0, 2, 1, 3]);
  return tf.add(tf.mul(tf.reshape(joined, x.shape), gain), bias);
}

/** As many groups as asked for, or the most below that which divide the channels. */
export function groupsOf(channels: number, wanted: number): number {
  let groups = Math.min(wanted, channels);
  while (channels % groups !== 0) groups--;
  return groups;
}
