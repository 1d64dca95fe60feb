import * as tf from "@tensorflow/tfjs-core";
import { countOf } from "../model/dataset.ts";
import { derive, permutation } from "../model/rng.ts";
import { gatherInputs, turn } from "./batch.ts";
import { checkTask } from "./check-task.ts";
import type { Engine } from "./engine.ts";
import { type Loss, lossFor } from "./loss.ts";
import { type OptimizerStep, optimizerFor, type Target } from "./optimizer.ts";
import type { Session } from "./session.ts";
import type { TrainResult, TrainTask } from "./trainer.ts";
import { type Arena, type Heap, openArena } from "./wasm/heap.ts";
import type { Workspace } from "./wasm/workspace.ts";

/** Batches between two turns of the event loop: some 10 ms. */
const BATCHES_PER_TURN = 4;

/**
 * Minibatch training. Whatever reaches the params is computed by kernels or in correctly rounded steps, so they are
 * the same bits on every engine. Throws ConfigError for a task that does not fit, and the signal's reason on abort.
 */
export async function train(engine: Engine, task: TrainTask, signal: AbortSignal): Promise<TrainResult> {
  signal.throwIfAborted();
  const { workspace } = engine;
  const session = engine.session(task.architecture);
  checkTask(task, session.architecture);
  const { epochs, batchSize, dataset, seed } = task;
  const count = countOf(dataset);
  const arena = openArena(workspace.heap);
  try {
    session.load(task.params);
    const targets = session.weights.map(
      ({ tensor, count }): Target => ({ values: workspace.heap.pointerTo(tensor), count }),
    );
    const loss = lossFor(task, Math.min(batchSize, count), workspace, arena);
    const step = optimizerFor(task.optimizer, targets, workspace, arena);
    const applyMasks = maskingFor(task, session, workspace, arena);
    let numSteps = 0;
    let lossSum = 0;
    applyMasks();
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = permutation(count, derive(seed, "epoch", epoch));
      lossSum = 0;
      for (let start = 0; start < count; start += batchSize) {
        lossSum += trainBatch(
          session,
          workspace.heap,
          task,
          order.subarray(start, start + batchSize),
          loss,
          step,
        );
        applyMasks();
        numSteps++;
        if (numSteps % BATCHES_PER_TURN === 0) {
          await turn();
          signal.throwIfAborted();
        }
      }
    }
    return { params: session.read(), numSteps, trainLoss: lossSum / count };
  } finally {
    arena.close();
  }
}

/** One step; returns Σ of the examples' losses before it. */
function trainBatch(
  { model, weights, architecture }: Session,
  heap: Heap,
  { dataset }: TrainTask,
  examples: Uint32Array,
  loss: Loss,
  step: OptimizerStep,
): number {
  let lossSum = 0;
  tf.tidy(() => {
    const inputs = gatherInputs(dataset, examples);
    const logitsGradient = tf.zeros<tf.Rank.R2>([examples.length, architecture.numClasses]);
    const forward = (): tf.Tensor => {
      const logits = model.apply(inputs, { training: true }) as tf.Tensor;
      // tfjs reads this gradient only after the forward pass, on the way back: it is known by then
      lossSum = loss(heap.pointerTo(logits), heap.pointerTo(logitsGradient), examples);
      return logits;
    };
    const tensors = weights.map(({ tensor }) => tensor);
    const { grads } = tf.engine().gradients(forward, tensors, logitsGradient as unknown as tf.Tensor);
    step(grads.map((gradient) => heap.pointerTo(gradient)));
  });
  return lossSum;
}

/** Zeroes what the masks leave out. */
function maskingFor(
  { masks }: TrainTask,
  { weights }: Session,
  { heap, kernels }: Workspace,
  arena: Arena,
): () => void {
  const masked = weights.flatMap(({ name, tensor, count }) => {
    const mask = masks?.get(name);
    if (mask === undefined) return [];
    const maskAt = arena.allocate(count);
    heap.bytes(maskAt, count).set(mask);
    return [{ values: heap.pointerTo(tensor), maskAt, count }];
  });
  return () => {
    for (const { values, maskAt, count } of masked) kernels.applyMask(values, maskAt, count);
  };
}
