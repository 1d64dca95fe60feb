import type { Pointer } from "../kernels/kernels.ts";
import type { TrainTask } from "./trainer.ts";
import type { Arena } from "./wasm/heap.ts";
import type { Workspace } from "./wasm/workspace.ts";

/** Σ of the examples' losses, in nats, given their logits; `gradient` gets the gradient of their mean. */
export type Loss = (logits: Pointer, gradient: Pointer, examples: Uint32Array) => number;

/** Cross-entropy with the labels, or distillation, of at most `batchSize` examples at a time. */
export function lossFor(
  { dataset, soft }: Pick<TrainTask, "dataset" | "soft">,
  batchSize: number,
  { heap, kernels }: Workspace,
  arena: Arena,
): Loss {
  const { labels, numClasses } = dataset;
  const labelsAt = arena.allocate(4 * batchSize);
  const placeLabels = (examples: Uint32Array): void => {
    const batch = heap.ints(labelsAt, examples.length);
    for (let i = 0; i < examples.length; i++) batch[i] = labels[examples[i]!]!;
  };
  if (soft === undefined)
    return (logits, gradient, examples) => {
      placeLabels(examples);
      return kernels.crossEntropy(logits, labelsAt, examples.length, numClasses, gradient);
    };
  const { temperature, share } = soft;
  const teacherAt = arena.allocate(4 * batchSize * numClasses);
  const rowAt = arena.allocate(4 * numClasses);
  return (logits, gradient, examples) => {
    placeLabels(examples);
    const rows = examples.length;
    const teacher = heap.floats(teacherAt, rows * numClasses);
    for (let i = 0; i < rows; i++) {
      const from = examples[i]! * numClasses;
      teacher.set(soft.logits.subarray(from, from + numClasses), i * numClasses);
    }
    return kernels.softCrossEntropy(
      logits,
      teacherAt,
      labelsAt,
      rows,
      numClasses,
      temperature,
      share,
      gradient,
      rowAt,
    );
  };
}
