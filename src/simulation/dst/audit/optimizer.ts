import type { ServerOptimizerSettings } from "../../../aggregation/server-optimizer.ts";

/** The server's step on a mean delta, once more from the papers; moments are kept in float32. */
export type StepAgain = (delta: Float64Array, covered: (at: number) => boolean) => Float64Array;

export function stepAgain(settings: ServerOptimizerSettings, length: number): StepAgain {
  const [m, v] = [new Float32Array(length), new Float32Array(length)];
  if ("sgd" in settings) {
    const { learningRate, momentum } = settings.sgd;
    return (delta, covered) =>
      delta.map((d, i) => {
        if (!covered(i)) return 0;
        m[i] = momentum * m[i]! + d;
        return learningRate * m[i]!;
      });
  }
  if (!("adam" in settings)) throw new Error("the auditor knows no other optimizer");
  const { learningRate, beta1, beta2, epsilon } = settings.adam;
  return (delta, covered) =>
    delta.map((d, i) => {
      if (!covered(i)) return 0;
      m[i] = beta1 * m[i]! + (1 - beta1) * d;
      v[i] = beta2 * v[i]! + (1 - beta2) * d * d;
      return (learningRate * m[i]!) / (Math.sqrt(v[i]!) + epsilon);
    });
}
