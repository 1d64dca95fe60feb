import { cosineOfTurn } from "../kernels/cosine.ts";
import type { Schedule } from "../model/protocol.ts";

/**
 * The share of the learning rate that step `t` of `numSteps` has, counted from 0. Only correctly rounded operations,
 * the cosine too: it scales what becomes params.
 */
export function rateAt(schedule: Schedule | undefined, t: number, numSteps: number): number {
  if (schedule === undefined) return 1;
  const { warmUpSteps, decay } = schedule;
  if (t < warmUpSteps) return (t + 1) / warmUpSteps;
  if (decay === "constant") return 1;
  const past = t - warmUpSteps;
  if ("step" in decay) return power(decay.step.factor, Math.floor(past / decay.step.everySteps));
  const last = Math.max(1, numSteps - 1 - warmUpSteps);
  const { floor } = decay.cosine;
  return floor + ((1 - floor) * (1 + cosineOfTurn(past / last))) / 2;
}

/** base^n by squaring: Math.pow may differ in the last bit between engines. */
function power(base: number, n: number): number {
  let result = 1;
  for (let square = base, left = n; left > 0; left = Math.floor(left / 2), square *= square)
    if (left % 2 === 1) result *= square;
  return result;
}
