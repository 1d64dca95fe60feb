import type { Tensor } from "@tensorflow/tfjs-core";
import type { Arithmetic, Score } from "./arithmetic.ts";
import type { TrainTask } from "./trainer.ts";

/** Scores the logits of these examples. */
export type Loss = (logits: Tensor, examples: Uint32Array) => Score;

/** Cross-entropy with the labels, smoothed or not, or distillation. */
export function lossFor(
  { dataset, soft, labelSmoothing = 0 }: Pick<TrainTask, "dataset" | "soft" | "labelSmoothing">,
  arithmetic: Arithmetic,
): Loss {
  const { labels } = dataset;
  /** The model's: the data may lack some of them. */
  const classesIn = (logits: Tensor): number => logits.shape[1]!;
  const labelsOf = (examples: Uint32Array): Int32Array =>
    Int32Array.from(examples, (example) => labels[example]!);
  if (soft !== undefined)
    return (logits, examples) => {
      const numClasses = classesIn(logits);
      const teacher = new Float32Array(examples.length * numClasses);
      examples.forEach((example, i) => {
        const from = example * numClasses;
        teacher.set(soft.logits.subarray(from, from + numClasses), i * numClasses);
      });
      return arithmetic.softCrossEntropy(logits, labelsOf(examples), teacher, soft);
    };
  if (labelSmoothing > 0)
    return (logits, examples) => {
      // A teacher that finds all classes equally likely, with this share, is label smoothing.
      const even = new Float32Array(examples.length * classesIn(logits));
      const settings = { temperature: 1, share: labelSmoothing };
      return arithmetic.softCrossEntropy(logits, labelsOf(examples), even, settings);
    };
  return (logits, examples) => arithmetic.crossEntropy(logits, labelsOf(examples));
}
