import type { Dataset } from "../model/dataset.ts";
import type { TrainSettings } from "../model/protocol.ts";
import type { Params } from "../model/tensor.ts";

/**
 * Local learning as a port. Two implementations share one contract suite: in this thread, and a pool of worker
 * threads. Results depend on the task alone, to the bit: never on the number of workers or on what ran before.
 */
export interface Trainer {
  /** What it trains on: wasm, node or cpu. */
  readonly engine: string;
  /** `onEpoch` hears of every epoch as it ends; nothing of it reaches the result. */
  train(task: TrainTask, signal: AbortSignal, onEpoch?: (report: EpochReport) => void): Promise<TrainResult>;
  evaluate(task: EvaluateTask, signal: AbortSignal): Promise<Metrics>;
  /** Logits, `count * numClasses`, example after example. */
  predict(task: EvaluateTask, signal: AbortSignal): Promise<Float32Array>;
  close(): Promise<void>;
}

export interface TrainTask extends TrainSettings {
  /** The architecture's name in the zoo. */
  readonly architecture: string;
  readonly params: Params;
  readonly dataset: Dataset;
  /** Orders the minibatches and draws augmentation and dropout. */
  readonly seed: number;
  /** Distillation: the teacher's logits for every example (count * numClasses) take the labels' place. */
  readonly soft?: SoftTargets;
  /** Coordinates that may be non-zero, by tensor, as 0/1 bytes; the others start and stay at zero. */
  readonly masks?: ReadonlyMap<string, Uint8Array>;
  /** Added to every step's gradient, by tensor: for SCAFFOLD, the server's control variate minus the client's. */
  readonly correction?: Params;
}

/** An epoch's end; epochs and steps count from 1. */
export interface EpochReport {
  readonly epoch: number;
  /** Steps since the start of the task. */
  readonly numSteps: number;
  /** Mean loss over the epoch's examples, in nats. */
  readonly trainLoss: number;
  readonly durationMs: number;
}

export interface SoftTargets {
  readonly logits: Float32Array;
  /** Softens both sides; the gradient is scaled by temperature squared (Hinton et al., 2015). */
  readonly temperature: number;
  /** Share of the soft loss, 0 to 1; the rest is cross-entropy with the labels. */
  readonly share: number;
}

export interface TrainResult {
  readonly params: Params;
  readonly numSteps: number;
  /** Mean loss over the last epoch's examples, in nats. */
  readonly trainLoss: number;
  /** Of `numSteps`, those that float16 could not hold the gradients of, and which moved nothing; left out when none. */
  readonly numSkipped?: number;
}

export interface EvaluateTask {
  readonly architecture: string;
  readonly params: Params;
  readonly dataset: Dataset;
}

export interface Metrics {
  /** Share of examples classified right, 0 to 1. */
  readonly accuracy: number;
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Area under the ROC curve, 0 to 1, where there are two classes with examples of both. */
  readonly auc?: number;
}
