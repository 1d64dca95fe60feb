import * as tf from "@tensorflow/tfjs-core";
import type { Arithmetic, Score, Vector } from "./arithmetic.ts";
import { round16 } from "./round16.ts";

export const plainVector = (values: Float32Array): Vector => ({ count: values.length, view: () => values });

/** Arithmetic in plain loops, for engines without our kernels. Steps round to float32 where the kernels do. */
export function plainArithmetic(): Arithmetic {
  return {
    zeros: (count) => plainVector(new Float32Array(count)),
    of: (tensor) => plainVector(tensor.dataSync() as Float32Array),
    crossEntropy: (logits, labels) =>
      score(logits, (row, example, gradient) => {
        const log = logSoftmax(row, 1);
        const label = labels[example]!;
        log.forEach((value, c) => {
          gradient[c] = Math.exp(value) - (c === label ? 1 : 0);
        });
        return -log[label]!;
      }),
    softCrossEntropy: (logits, labels, teacher, { temperature, share }) =>
      score(logits, (row, example, gradient) => {
        const classes = row.length;
        const log = logSoftmax(row, 1);
        const soft = logSoftmax(row, temperature);
        const goal = logSoftmax(
          teacher.subarray(example * classes, (example + 1) * classes),
          temperature,
        ).map(Math.exp);
        const label = labels[example]!;
        let distilled = 0;
        for (let c = 0; c < classes; c++) {
          distilled -= goal[c]! * soft[c]!;
          gradient[c] =
            share * temperature * (Math.exp(soft[c]!) - goal[c]!) +
            (1 - share) * (Math.exp(log[c]!) - (c === label ? 1 : 0));
        }
        return share * temperature * temperature * distilled - (1 - share) * log[label]!;
      }),
    momentumStep: (values, gradient, velocity, learningRate, momentum) => {
      const [w, g, v] = [values.view(), gradient.view(), velocity.view()];
      const [rate, keep] = [f32(learningRate), f32(momentum)];
      for (let i = 0; i < w.length; i++) {
        v[i] = f32(f32(keep * v[i]!) + g[i]!);
        w[i] = w[i]! - f32(rate * v[i]!);
      }
    },
    adamStep: (values, gradient, mean, square, step) => {
      const [w, g, m, v] = [values.view(), gradient.view(), mean.view(), square.view()];
      const [rate, epsilon] = [f32(step.stepSize), f32(step.epsilon)];
      const [keep1, keep2] = [f32(step.beta1), f32(step.beta2)];
      const [take1, take2] = [f32(1 - keep1), f32(1 - keep2)];
      for (let i = 0; i < w.length; i++) {
        const d = g[i]!;
        m[i] = f32(keep1 * m[i]!) + f32(take1 * d);
        v[i] = f32(keep2 * v[i]!) + f32(take2 * f32(d * d));
        w[i] = w[i]! - f32(f32(rate * m[i]!) / f32(f32(Math.sqrt(v[i]!)) + epsilon));
      }
    },
    rounded: (tensor, precision) => {
      const values = tensor.dataSync().slice() as Float32Array;
      round16(values, values, precision);
      return tf.tensor(values, tensor.shape);
    },
    close: () => {},
  };
}

const f32 = Math.fround;

/** Row by row; the rows' gradients become that of the mean. */
function score(
  logits: tf.Tensor,
  rowLoss: (row: Float32Array, example: number, gradient: Float32Array) => number,
): Score {
  const [rows, classes] = logits.shape as [number, number];
  const values = logits.dataSync() as Float32Array;
  const gradient = new Float32Array(rows * classes);
  let lossSum = 0;
  for (let i = 0; i < rows; i++) {
    const at = i * classes;
    lossSum += rowLoss(values.subarray(at, at + classes), i, gradient.subarray(at, at + classes));
  }
  return {
    lossSum,
    gradient: tf.tensor(
      gradient.map((value) => value / rows),
      [rows, classes],
    ),
  };
}

function logSoftmax(row: Float32Array, temperature: number): number[] {
  const scaled = [...row].map((value) => value / temperature);
  const highest = Math.max(...scaled);
  const logSum = Math.log(scaled.reduce((sum, value) => sum + Math.exp(value - highest), 0));
  return scaled.map((value) => value - highest - logSum);
}
