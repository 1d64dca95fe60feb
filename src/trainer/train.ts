import * as tf from "@tensorflow/tfjs-core";
import { countOf } from "../model/dataset.ts";
import { derive, permutation } from "../model/rng.ts";
import { variationFor } from "./augment.ts";
import { gatherInputs, turn } from "./batch.ts";
import { checkTask } from "./check-task.ts";
import type { Engine } from "./engine.ts";
import { type Loss, lossFor } from "./loss.ts";
import { mastersFor } from "./mixed.ts";
import { learningRateOf, optimizerFor } from "./optimizer.ts";
import { rateAt } from "./schedule.ts";
import type { Plan, Session } from "./session.ts";
import { clipUpdate, decay, maskingFor, shapingFor } from "./shaping.ts";
import type { EpochReport, TrainResult, TrainTask } from "./trainer.ts";

/** Batches between two turns of the event loop: some 10 ms. */
const BATCHES_PER_TURN = 4;

/**
 * Minibatch training. On the wasm engine whatever reaches the params is computed by kernels or in correctly rounded
 * steps, so they are the same bits on every machine. Throws ConfigError for a task that does not fit, and the
 * signal's reason on abort.
 */
export async function train(
  engine: Engine,
  plan: Plan,
  task: TrainTask,
  signal: AbortSignal,
  onEpoch?: (report: EpochReport) => void,
): Promise<TrainResult> {
  signal.throwIfAborted();
  checkTask(task, plan.blueprint); // a name may stand for more than there is memory
  const session = await engine.session(plan);
  const { epochs, batchSize, dataset, seed, weightDecay = 0 } = task;
  const count = countOf(dataset);
  const totalSteps = epochs * Math.ceil(count / batchSize);
  const arithmetic = engine.arithmetic();
  try {
    session.load(task.params);
    const masters = mastersFor(task, session, arithmetic);
    const { weights, round } = masters;
    const vectors = weights.map(({ vector }) => vector);
    const loss = lossFor(task, arithmetic);
    const shape = shapingFor(task, masters, arithmetic);
    const step = optimizerFor(task.optimizer, vectors, arithmetic);
    const applyMasks = maskingFor(task, masters);
    const vary = variationFor(task.augment, dataset.inputShape, seed);
    let numSteps = 0;
    let lossSum = 0;
    const update = (gradients: readonly tf.Tensor[]): void => {
      const rate = rateAt(task.schedule, numSteps, totalSteps);
      const unscaled = masters.unscaled(gradients.map(arithmetic.of));
      if (unscaled === null) return;
      const shaped = shape(unscaled);
      if (weightDecay > 0) decay(vectors, learningRateOf(task.optimizer) * rate * weightDecay);
      step(shaped, rate);
      applyMasks();
      masters.commit();
    };
    applyMasks();
    masters.commit();
    for (let epoch = 0; epoch < epochs; epoch++) {
      const startMs = performance.now();
      const order = permutation(count, derive(seed, "epoch", epoch));
      const varyExample = vary ? (v: Float32Array, example: number) => vary(v, example, epoch) : undefined;
      lossSum = 0;
      for (let start = 0; start < count; start += batchSize) {
        const examples = order.subarray(start, start + batchSize);
        const inputs = gatherInputs(dataset, examples, varyExample);
        lossSum += session.withDropout(derive(seed, "dropout", numSteps), () =>
          session.withRounding(round, () =>
            trainBatch(session, inputs, examples, loss, masters.scale(), update),
          ),
        );
        inputs.dispose();
        numSteps++;
        if (numSteps % BATCHES_PER_TURN === 0) {
          await turn();
          signal.throwIfAborted();
        }
      }
      const durationMs = performance.now() - startMs;
      onEpoch?.({ epoch: epoch + 1, numSteps, trainLoss: lossSum / count, durationMs });
    }
    if (task.updateClipNorm !== undefined) clipUpdate(weights, task.params, task.updateClipNorm);
    const numSkipped = masters.numSkipped();
    return {
      params: masters.read(),
      numSteps,
      trainLoss: lossSum / count,
      ...(numSkipped > 0 && { numSkipped }),
    };
  } finally {
    arithmetic.close();
  }
}

/** One step; returns Σ of the examples' losses before it. */
function trainBatch(
  { model, weights }: Session,
  inputs: tf.Tensor,
  examples: Uint32Array,
  loss: Loss,
  scale: number,
  update: (gradients: readonly tf.Tensor[]) => void,
): number {
  let lossSum = 0;
  tf.tidy(() => {
    // An operation of our own that knows its gradient on the way forward.
    const score = tf.customGrad((logits: tf.Tensor | tf.GradSaveFunc, save: tf.Tensor | tf.GradSaveFunc) => {
      const scored = loss(logits as tf.Tensor, examples);
      lossSum = scored.lossSum;
      (save as tf.GradSaveFunc)([scale === 1 ? scored.gradient : tf.mul(scored.gradient, scale)]);
      return {
        value: tf.scalar(lossSum),
        gradFunc: (_dy: tf.Tensor, [gradient]: tf.Tensor[]) => gradient!,
      };
    });
    const forward = (): tf.Tensor => score(model.apply(inputs, { training: true }) as tf.Tensor);
    const tensors = weights.map(({ tensor }) => tensor);
    update(tf.engine().gradients(forward, tensors).grads);
  });
  return lossSum;
}
