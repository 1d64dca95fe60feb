import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../model/dataset.ts";

/** The chosen examples as one tensor, [examples, ...inputShape]. */
export function gatherInputs({ inputs, inputShape, labels }: Dataset, examples: Uint32Array): tf.Tensor {
  const size = inputs.length / labels.length;
  const values = new Float32Array(examples.length * size);
  examples.forEach((example, i) => {
    values.set(inputs.subarray(example * size, (example + 1) * size), i * size);
  });
  return tf.tensor(values, [examples.length, ...inputShape]);
}

/** The event loop's turn: messages, timers and aborts get through. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
