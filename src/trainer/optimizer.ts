import type { Pointer } from "../kernels/kernels.ts";
import type { Optimizer } from "../model/protocol.ts";
import type { Arena } from "./wasm/heap.ts";
import type { Workspace } from "./wasm/workspace.ts";

/** Moves one job's tensors by their gradients, in place. */
export type OptimizerStep = (gradients: readonly Pointer[]) => void;

export interface Target {
  readonly values: Pointer;
  readonly count: number;
}

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** An optimizer with fresh slots, in the arena. Only correctly rounded operations: +, -, *, / and square roots. */
export function optimizerFor(
  settings: Optimizer,
  targets: readonly Target[],
  { heap, kernels }: Workspace,
  arena: Arena,
): OptimizerStep {
  const zeroSlots = (): readonly Pointer[] =>
    targets.map(({ count }) => {
      const slot = arena.allocate(4 * count);
      heap.floats(slot, count).fill(0);
      return slot;
    });
  if ("sgd" in settings) {
    const { learningRate, momentum } = settings.sgd;
    const velocities = zeroSlots();
    return (gradients) =>
      targets.forEach(({ values, count }, i) => {
        kernels.momentumStep(values, gradients[i]!, velocities[i]!, count, learningRate, momentum);
      });
  }
  const { learningRate } = settings.adam;
  const { beta1, beta2, epsilon } = ADAM;
  const means = zeroSlots();
  const squares = zeroSlots();
  let power1 = 1;
  let power2 = 1;
  return (gradients) => {
    power1 *= beta1;
    power2 *= beta2;
    const correction = Math.sqrt(1 - power2);
    const stepSize = (learningRate * correction) / (1 - power1);
    const eps = epsilon * correction;
    targets.forEach(({ values, count }, i) => {
      kernels.adamStep(values, gradients[i]!, means[i]!, squares[i]!, count, stepSize, beta1, beta2, eps);
    });
  };
}
