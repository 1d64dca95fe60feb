import * as tf from "@tensorflow/tfjs-core";
import { fused } from "./fused.ts";

/** In this order: kernel [inputs, gates * units], recurrent [units, gates * units], bias [gates * units]. */
export interface RecurrentWeights {
  readonly kernel: tf.Tensor;
  readonly recurrent: tf.Tensor;
  readonly bias: tf.Tensor;
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber, 1997) over whole sequences from zero states: x
 * [batch, steps, inputs] to h [batch, steps, units]. Gates, in this order: input, forget, candidate, output.
 *   c = sigmoid(f) c' + sigmoid(i) tanh(g),  h = sigmoid(o) tanh(c),  [i f g o] = x W + h' U + b
 */
export const lstm = (x: tf.Tensor, weights: RecurrentWeights): tf.Tensor =>
  fused({
    kernelName: "Lstm",
    inputs: inOrder(x, weights),
    kept: ["gates", "third"],
    composed: () => {
      const { recurrent } = weights;
      let c = tf.zeros([x.shape[0]!, recurrent.shape[0]!]);
      return overSteps(x, weights, (sums, h) => {
        const gates = tf.split(tf.add(sums, tf.matMul(h, recurrent)), 4, 1);
        const [i, f, g, o] = gates as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
        return tf.mul(tf.sigmoid(o), tf.tanh(c));
      });
    },
  });

/**
 * Gated recurrent unit (Cho et al., 2014), likewise. Gates: update, reset, candidate; the reset gate acts on the state
 * before its product, as in the paper and in tfjs (PyTorch's acts behind it).
 *   h = z h' + (1 - z) g,  [z r] = sigmoid(x W + h' U + b),  g = tanh(x W + (r h') U + b)
 */
export const gru = (x: tf.Tensor, weights: RecurrentWeights): tf.Tensor =>
  fused({
    kernelName: "Gru",
    inputs: inOrder(x, weights),
    kept: ["gates", "third"],
    composed: () => {
      const units = weights.recurrent.shape[0]!;
      const halves = (tensor: tf.Tensor) =>
        tf.split(tensor, [2 * units, units], 1) as [gates: tf.Tensor, candidate: tf.Tensor];
      const [toGates, toCandidate] = halves(weights.recurrent);
      return overSteps(x, weights, (sums, h) => {
        const [gates, candidate] = halves(sums);
        const open = tf.sigmoid(tf.add(gates, tf.matMul(h, toGates)));
        const [z, r] = tf.split(open, 2, 1) as [tf.Tensor, tf.Tensor];
        const g = tf.tanh(tf.add(candidate, tf.matMul(tf.mul(r, h), toCandidate)));
        return tf.add(tf.mul(z, h), tf.mul(tf.sub(1, z), g));
      });
    },
  });

/** As the kernels' gradients come. */
const inOrder = (x: tf.Tensor, { kernel, recurrent, bias }: RecurrentWeights) => ({
  x,
  kernel,
  recurrent,
  bias,
});

/** `step` gets x W + b of each step and the state of the one before. */
function overSteps(
  x: tf.Tensor,
  { kernel, recurrent, bias }: RecurrentWeights,
  step: (sums: tf.Tensor, h: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  const [batch, steps, inputs] = x.shape as [number, number, number];
  const [units, width] = recurrent.shape as [number, number];
  const sums = tf.add(tf.matMul(tf.reshape(x, [batch * steps, inputs]), kernel), bias);
  const all = tf.reshape(sums, [batch, steps * width]);
  const states: tf.Tensor[] = [];
  for (let t = 0; t < steps; t++) {
    const before = states.at(-1) ?? tf.zeros([batch, units]);
    states.push(step(tf.slice(all, [0, t * width], [batch, width]), before));
  }
  return tf.reshape(tf.stack(states, 1), [batch, steps, units]);
}
