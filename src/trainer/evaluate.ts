import * as tf from "@tensorflow/tfjs-core";
import { countOf } from "../model/dataset.ts";
import { areaUnderCurve } from "./auc.ts";
import { gatherInputs, turn } from "./batch.ts";
import { checkTask } from "./check-task.ts";
import type { Engine } from "./engine.ts";
import { lossFor } from "./loss.ts";
import type { Plan } from "./session.ts";
import type { EvaluateTask, Metrics } from "./trainer.ts";

const BATCH_SIZE = 128;

/** Logits of every example, count * numClasses. */
export async function predict(
  engine: Engine,
  plan: Plan,
  task: EvaluateTask,
  signal: AbortSignal,
): Promise<Float32Array<ArrayBuffer>> {
  signal.throwIfAborted();
  checkTask(task, plan.blueprint); // a name may stand for more than there is memory
  const session = await engine.session(plan);
  session.load(task.params);
  const { dataset } = task;
  const { numClasses } = session.blueprint;
  const count = countOf(dataset);
  const logits = new Float32Array(count * numClasses);
  for (let start = 0; start < count; start += BATCH_SIZE) {
    const examples = examplesFrom(start, count);
    tf.tidy(() => {
      const out = session.model.apply(gatherInputs(dataset, examples)) as tf.Tensor;
      logits.set(out.dataSync() as Float32Array, start * numClasses);
    });
    await turn();
    signal.throwIfAborted();
  }
  return logits;
}

/** Accuracy and mean cross-entropy; of equal logits the lowest class counts as the answer. */
export async function evaluate(
  engine: Engine,
  plan: Plan,
  task: EvaluateTask,
  signal: AbortSignal,
): Promise<Metrics> {
  const logits = await predict(engine, plan, task, signal);
  const { labels } = task.dataset;
  const count = labels.length;
  const { numClasses } = plan.blueprint; // the data may lack some of them
  const arithmetic = engine.arithmetic();
  try {
    const loss = lossFor({ dataset: task.dataset }, arithmetic);
    let lossSum = 0;
    let numRight = 0;
    for (let start = 0; start < count; start += BATCH_SIZE) {
      const examples = examplesFrom(start, count);
      const rows = logits.subarray(start * numClasses, (start + examples.length) * numClasses);
      tf.tidy(() => {
        lossSum += loss(tf.tensor(rows, [examples.length, numClasses]), examples).lossSum;
      });
      for (const [i, example] of examples.entries())
        if (argMax(rows.subarray(i * numClasses, (i + 1) * numClasses)) === labels[example]) numRight++;
    }
    const auc = numClasses === 2 ? areaUnderCurve(marginsOf(logits), labels) : undefined;
    return { accuracy: numRight / count, loss: lossSum / count, ...(auc !== undefined && { auc }) };
  } finally {
    arithmetic.close();
  }
}

/** How much more class 1 is believed than class 0. */
const marginsOf = (logits: Float32Array): Float32Array =>
  Float32Array.from({ length: logits.length / 2 }, (_, i) => logits[2 * i + 1]! - logits[2 * i]!);

const examplesFrom = (start: number, count: number): Uint32Array =>
  Uint32Array.from({ length: Math.min(BATCH_SIZE, count - start) }, (_, i) => start + i);

const argMax = (values: Float32Array): number =>
  values.reduce((best, value, i) => (value > values[best]! ? i : best), 0);
