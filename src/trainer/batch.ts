import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../model/dataset.ts";

/** The chosen examples as one tensor, [examples, ...inputShape]; `vary` may change each in place. */
export function gatherInputs(
  { inputs, inputShape, labels }: Dataset,
  examples: Uint32Array,
  vary?: (values: Float32Array, example: number) => void,
): tf.Tensor {
  const size = inputs.length / labels.length;
  const values = new Float32Array(examples.length * size);
  examples.forEach((example, i) => {
    const place = values.subarray(i * size, (i + 1) * size);
    place.set(inputs.subarray(example * size, (example + 1) * size));
    vary?.(place, example);
  });
  return tf.tensor(values, [examples.length, ...inputShape]);
}

/** The event loop's turn: messages, timers and aborts get through. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
