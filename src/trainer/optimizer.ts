import type { Optimizer } from "../model/protocol.ts";
import type { Arithmetic, Vector } from "./arithmetic.ts";

/** Moves one job's tensors by their gradients, in place; `rate` scales the learning rate. */
export type OptimizerStep = (gradients: readonly Vector[], rate: number) => void;

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** An optimizer with fresh slots. Only correctly rounded operations: +, -, *, / and square roots. */
export function optimizerFor(
  settings: Optimizer,
  targets: readonly Vector[],
  arithmetic: Arithmetic,
): OptimizerStep {
  const zeroSlots = (): readonly Vector[] => targets.map(({ count }) => arithmetic.zeros(count));
  if ("sgd" in settings) {
    const { learningRate, momentum } = settings.sgd;
    const velocities = zeroSlots();
    return (gradients, rate) =>
      targets.forEach((values, i) => {
        arithmetic.momentumStep(values, gradients[i]!, velocities[i]!, learningRate * rate, momentum);
      });
  }
  const { learningRate } = settings.adam;
  const { beta1, beta2, epsilon } = ADAM;
  const means = zeroSlots();
  const squares = zeroSlots();
  let power1 = 1;
  let power2 = 1;
  return (gradients, rate) => {
    power1 *= beta1;
    power2 *= beta2;
    const correction = Math.sqrt(1 - power2);
    const step = {
      stepSize: (learningRate * rate * correction) / (1 - power1),
      beta1,
      beta2,
      epsilon: epsilon * correction,
    };
    targets.forEach((values, i) => {
      arithmetic.adamStep(values, gradients[i]!, means[i]!, squares[i]!, step);
    });
  };
}

export const learningRateOf = (settings: Optimizer): number =>
  "sgd" in settings ? settings.sgd.learningRate : settings.adam.learningRate;
