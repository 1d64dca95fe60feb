import { countOfDensity, topK } from "../compress/select.ts";
import type { Params, Tensor } from "../model/tensor.ts";
import { type Masks, prepareLesson, study } from "./lesson.ts";
import type { DistillTask } from "./task.ts";

/** What is left of a student, and where. */
export interface Pruned {
  readonly params: Params;
  readonly masks: Masks;
}

/** After the last cut, passes that settle. */
const SETTLING_RATES = [5e-4, 2e-4] as const;

/**
 * Prunes the kernels by magnitude along a cubic schedule (Zhu and Gupta, 2017): most goes early, while there is time
 * to recover from it, and what is left is chosen anew before every pass.
 */
export async function prune(task: DistillTask, learnt: Params, signal: AbortSignal): Promise<Pruned> {
  const cuts = task.settings.prune > 0 ? task.settings.epochs : 0;
  const passes = cuts + SETTLING_RATES.length;
  const lesson = await prepareLesson(task, "prune", signal);
  let params = learnt;
  let masks: Masks = kernelMasks(params, 1);
  for (let pass = 0; pass < passes; pass++) {
    if (pass < cuts) masks = kernelMasks(params, 1 - prunedAfter((pass + 1) / cuts, task.settings.prune));
    const learningRate = SETTLING_RATES[pass - cuts] ?? 1e-3;
    params = await study(
      task,
      lesson,
      params,
      { learningRate, masks, label: `prune ${pass + 1}/${passes}` },
      signal,
    );
  }
  return { params, masks };
}

/** The share pruned when `progress` (0 to 1) of the cuts are made. */
export const prunedAfter = (progress: number, final: number): number => final * (1 - (1 - progress) ** 3);

/** Biases stay: they are few, and everything behind them depends on them. */
export const isKernel = ({ shape }: Tensor): boolean => shape.length > 1;

/**
 * The `density` of largest magnitudes over all kernels together, so that a small early kernel, on which everything
 * depends, keeps more of itself than a wide last one.
 */
export function kernelMasks(params: Params, density: number): Masks {
  const kernels = [...params.values()].filter(isKernel);
  const all = new Float32Array(kernels.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of kernels) {
    all.set(data, at);
    at += data.length;
  }
  const kept = new Uint8Array(all.length);
  if (density >= 1) kept.fill(1);
  else for (const place of topK(all, countOfDensity(density, all.length))) kept[place] = 1;

  at = 0;
  const masks = new Map<string, Uint8Array>();
  for (const [name, tensor] of params) {
    const { length } = tensor.data;
    masks.set(name, isKernel(tensor) ? kept.slice(at, at + length) : new Uint8Array(length).fill(1));
    if (isKernel(tensor)) at += length;
  }
  return masks;
}
