import { countOf, type Dataset, subset } from "../model/dataset.ts";
import { derive, deriveSeed, permutation } from "../model/rng.ts";
import type { Params } from "../model/tensor.ts";
import { zooModels } from "../trainer/blueprint.ts";
import { augment } from "./augment.ts";
import type { DistillTask } from "./task.ts";
import { teacherLogits } from "./teacher.ts";

/** Variations of the transfer set, and what the teacher says of each. */
export interface Lesson {
  readonly dataset: Dataset;
  /** count * the classes that the teacher tells apart. */
  readonly logits: Float32Array;
}

/** Coordinates that may be non-zero, by tensor, as 0/1 bytes. */
export type Masks = ReadonlyMap<string, Uint8Array>;

export interface Pass {
  /** Names it in progress lines, and orders its minibatches. */
  readonly label: string;
  readonly learningRate: number;
  /** Null while nothing is pruned. */
  readonly masks: Masks | null;
}

/** About as many examples as a lesson has: small transfer sets are varied more often, large ones not at all. */
const LESSON_EXAMPLES = 10_000;
const MAX_COPIES = 20;

/** Labels and teacher count alike: the teacher tells how classes resemble each other, the labels where it errs. */
const TEACHER_SHARE = 0.5;

/** The transfer set, and `copies - 1` variations of it that `name` seeds. */
export function variationsOf(
  { transfer, settings, seed, models = zooModels }: DistillTask,
  copies: number,
  name: string,
): Dataset {
  const isTokens = models.blueprint(settings.student).vocabulary !== null;
  return augment(transfer, copies, deriveSeed(seed, "distill", name), isTokens);
}

export async function prepareLesson(task: DistillTask, name: string, signal: AbortSignal): Promise<Lesson> {
  const copies = Math.max(1, Math.min(MAX_COPIES, Math.round(LESSON_EXAMPLES / countOf(task.transfer))));
  const dataset = variationsOf(task, copies, name);
  return { dataset, logits: await teacherLogits(task.trainer, task.teacher, dataset, signal) };
}

/** One pass over a lesson. */
export async function study(
  { trainer, settings, seed, progress }: DistillTask,
  { dataset, logits }: Lesson,
  params: Params,
  { label, learningRate, masks }: Pass,
  signal: AbortSignal,
): Promise<Params> {
  const result = await trainer.train(
    {
      architecture: settings.student,
      params,
      dataset,
      epochs: 1,
      batchSize: 32,
      optimizer: { adam: { learningRate } },
      seed: deriveSeed(seed, "distill", label),
      soft: { logits, temperature: settings.temperature, share: TEACHER_SHARE },
      ...(masks && { masks }),
    },
    signal,
  );
  progress?.(`distill: ${label}, loss ${result.trainLoss.toFixed(3)}`);
  return result.params;
}

/** A lesson dealt at random into `count` equal parts (fewer when it has fewer examples). */
export function partsOf({ dataset, logits }: Lesson, count: number): readonly Lesson[] {
  const numClasses = logits.length / countOf(dataset);
  const order = permutation(countOf(dataset), derive(0, "parts"));
  const bound = (part: number): number => Math.floor((part * order.length) / count);
  return Array.from({ length: count }, (_, part) => {
    const rows = order.slice(bound(part), bound(part + 1));
    const chosen = new Float32Array(new SharedArrayBuffer(4 * rows.length * numClasses));
    rows.forEach((row, i) => {
      chosen.set(logits.subarray(row * numClasses, (row + 1) * numClasses), i * numClasses);
    });
    return { dataset: subset(dataset, rows), logits: chosen };
  }).filter((lesson) => countOf(lesson.dataset) > 0);
}
