import * as tf from "@tensorflow/tfjs-core";
import { fused } from "./fused.ts";

/**
 * Multi-head self-attention (Vaswani et al., 2017), softmax(Q Kᵀ / sqrt(depth)) V for each head. `qkv` is
 * [batch, steps, 3 * heads * depth]: queries, keys and values of all heads, as one dense layer makes them; the result
 * is [batch, steps, heads * depth].
 */
export const attention = (qkv: tf.Tensor, heads: number): tf.Tensor =>
  fused({
    kernelName: "Attention",
    attrs: { heads },
    inputs: { qkv },
    kept: ["shares"],
    composed: () => {
      const [batch, steps, width] = qkv.shape as [number, number, number];
      const depth = width / 3 / heads;
      const parts = tf.transpose(tf.reshape(qkv, [batch, steps, 3, heads, depth]), [2, 0, 3, 1, 4]);
      const [q, k, v] = tf.unstack(parts) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const shares = tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(depth)));
      const mixed = tf.transpose(tf.matMul(shares, v), [0, 2, 1, 3]);
      return tf.reshape(mixed, [batch, steps, heads * depth]);
    },
  });
