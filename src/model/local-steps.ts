import type { TrainSettings } from "./protocol.ts";

/**
 * How far local training's steps reach together, in single plain ones: FedNova's |a|_1. With momentum rho step k of tau
 * counts (1 - rho^(tau - k + 1)) / (1 - rho), all of them (tau - rho (1 - rho^tau) / (1 - rho)) / (1 - rho).
 * `optimizer` is sgd, and no schedule and no proximal term is on.
 */
export function localSteps({ optimizer }: Pick<TrainSettings, "optimizer">, numSteps: number): number {
  const rho = "sgd" in optimizer ? optimizer.sgd.momentum : 0;
  return (numSteps - (rho * (1 - power(rho, numSteps))) / (1 - rho)) / (1 - rho);
}

/** Of either optimizer. */
export const rateOf = ({ optimizer }: Pick<TrainSettings, "optimizer">): number =>
  "sgd" in optimizer ? optimizer.sgd.learningRate : optimizer.adam.learningRate;

/** The steps that training on so many examples takes, whoever claims more. */
export const mostSteps = (
  { epochs, batchSize }: Pick<TrainSettings, "epochs" | "batchSize">,
  numExamples: number,
): number => epochs * Math.ceil(numExamples / batchSize);

/** By squaring, so that every engine comes to the same bits. */
function power(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
