import { assert } from "../model/assert.ts";
import type { Dataset } from "../model/dataset.ts";
import type { Params } from "../model/tensor.ts";
import type { Trainer } from "../trainer/trainer.ts";

/** One or several models of one architecture that a student learns from. */
export interface Teacher {
  readonly architecture: string;
  /** At least one; several are an ensemble: the mean of their logits. */
  readonly models: readonly Params[];
}

/** Models asked at one time: enough to keep a few workers busy, whatever the size of the ensemble. */
const ASKED_AT_ONCE = 8;

/** The teacher's logits, count * the classes that it tells apart, example after example. */
export async function teacherLogits(
  trainer: Trainer,
  { architecture, models }: Teacher,
  dataset: Dataset,
  signal: AbortSignal,
): Promise<Float32Array> {
  let sums: Float64Array | null = null;
  for (let start = 0; start < models.length; start += ASKED_AT_ONCE) {
    const asked = models.slice(start, start + ASKED_AT_ONCE);
    const answers = await Promise.all(
      asked.map((params) => trainer.predict({ architecture, params, dataset }, signal)),
    );
    // in the order of the models, so that the sum does not depend on who answers first
    for (const answer of answers) {
      sums ??= new Float64Array(answer.length);
      for (let i = 0; i < sums.length; i++) sums[i]! += answer[i]!;
    }
  }
  assert(sums !== null, "a teacher is at least one model");
  const mean = new Float32Array(new SharedArrayBuffer(4 * sums.length));
  for (let i = 0; i < mean.length; i++) mean[i] = sums[i]! / models.length;
  return mean;
}
