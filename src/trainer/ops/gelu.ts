import * as tf from "@tensorflow/tfjs-core";
import { fused } from "./fused.ts";

/** The Gaussian error linear unit (Hendrycks and Gimpel, 2016) in its exact form, x Φ(x). */
export const gelu = (x: tf.Tensor): tf.Tensor =>
  fused({
    kernelName: "Gelu",
    inputs: { x },
    kept: ["slope"],
    gradient: ({ dy, slope }) => [tf.mul(dy!, slope!)],
    composed: () => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  });
