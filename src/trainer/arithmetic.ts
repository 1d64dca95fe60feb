import type * as tf from "@tensorflow/tfjs-core";
import type { Half } from "./round16.ts";
import type { SoftTargets } from "./trainer.ts";

/** Float32 numbers where an engine keeps them. */
export interface Vector {
  readonly count: number;
  /** The numbers themselves; valid until the next allocation. */
  view(): Float32Array;
}

/** Σ of the examples' losses in nats, and the gradient of their mean with respect to the logits. */
export interface Score {
  readonly lossSum: number;
  readonly gradient: tf.Tensor;
}

/**
 * What one job computes besides the model's own passes, in the engine's memory: kernels on the wasm engine, loops on
 * the others. Both round alike after each operation, so the steps of an optimizer are the same bits.
 */
export interface Arithmetic {
  /** That many zeros, until `close`. */
  zeros(count: number): Vector;
  /** The numbers of a gradient, until the end of its tidy. */
  of(tensor: tf.Tensor): Vector;
  /** Cross-entropy of logits [examples, classes] with labels. */
  crossEntropy(logits: tf.Tensor, labels: Int32Array): Score;
  /** Distillation: `teacher` has the teacher's logits of these examples. */
  softCrossEntropy(
    logits: tf.Tensor,
    labels: Int32Array,
    teacher: Float32Array,
    settings: Pick<SoftTargets, "temperature" | "share">,
  ): Score;
  /** velocity = momentum * velocity + gradient; values -= learningRate * velocity. */
  momentumStep(
    values: Vector,
    gradient: Vector,
    velocity: Vector,
    learningRate: number,
    momentum: number,
  ): void;
  /** One step of Adam with the bias corrections inside `stepSize` and `epsilon`. */
  adamStep(values: Vector, gradient: Vector, mean: Vector, square: Vector, step: AdamStep): void;
  /** The numbers rounded to 16 bits, as float32. */
  rounded(tensor: tf.Tensor, precision: Half): tf.Tensor;
  close(): void;
}

export interface AdamStep {
  readonly stepSize: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}
