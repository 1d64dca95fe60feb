import type { Dataset } from "../model/dataset.ts";
import type { Params } from "../model/tensor.ts";
import type { Trainer } from "../trainer/trainer.ts";

/** One or several models of one architecture that a student learns from. */
export interface Teacher {
  readonly architecture: string;
  /** At least one; several are an ensemble: the mean of their logits. */
  readonly models: readonly Params[];
}

/** The teacher's logits, count * numClasses, example after example. */
export async function teacherLogits(
  trainer: Trainer,
  { architecture, models }: Teacher,
  dataset: Dataset,
  signal: AbortSignal,
): Promise<Float32Array> {
  const answers = await Promise.all(
    models.map((params) => trainer.predict({ architecture, params, dataset }, signal)),
  );
  return meanOf(answers);
}

function meanOf(answers: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(new SharedArrayBuffer(4 * answers[0]!.length));
  for (let i = 0; i < mean.length; i++) {
    let sum = 0;
    for (const answer of answers) sum += answer[i]!;
    mean[i] = sum / answers.length;
  }
  return mean;
}
