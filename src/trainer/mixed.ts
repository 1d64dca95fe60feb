import type * as tf from "@tensorflow/tfjs-core";
import type { Params, Tensor } from "../model/tensor.ts";
import type { Arithmetic, Vector } from "./arithmetic.ts";
import { type Half, round16 } from "./round16.ts";
import type { Session, Weight } from "./session.ts";
import type { TrainTask } from "./trainer.ts";

/**
 * Mixed precision (Micikevicius et al., 2018): the optimizer moves float32 masters; the model trains on them rounded to 16
 * bits, its layers pass on values and gradients of 16 bits, and float16's gradients are scaled so that small ones are not
 * lost. Everything is kept as float32 all the same: this is about what 16 bits cost in accuracy, and saves no memory.
 */
export interface Masters {
  readonly weights: readonly Weight[];
  /** Has the model see the masters. */
  commit(): void;
  /** What the loss counts for on the way back. */
  scale(): number;
  /** The gradients as they would be without a scale; null when 16 bits did not hold them: the step is not taken. */
  unscaled(gradients: readonly Vector[]): readonly Vector[] | null;
  read(): Params;
  /** Rounds what passes from layer to layer; null for float32. */
  readonly round: ((x: tf.Tensor) => tf.Tensor) | null;
  readonly numSkipped: () => number;
}

/** Powers of two, so that what is scaled and scaled back has lost nothing. */
const SCALE = { first: 2 ** 15, most: 2 ** 24, growAfterSteps: 200 };

export function mastersFor(
  { precision = "float32" }: TrainTask,
  session: Session,
  arithmetic: Arithmetic,
): Masters {
  if (precision === "float32")
    return {
      weights: session.weights,
      commit: session.commit,
      scale: () => 1,
      unscaled: (gradients) => gradients,
      read: session.read,
      round: null,
      numSkipped: () => 0,
    };
  return sixteenBits(precision, session, arithmetic);
}

function sixteenBits(precision: Half, session: Session, arithmetic: Arithmetic): Masters {
  const weights = session.weights.map((weight): Weight => {
    const vector = arithmetic.zeros(weight.count);
    vector.view().set(weight.vector.view());
    return { ...weight, vector };
  });
  const gradientsOf = weights.map(({ count }) => arithmetic.zeros(count));
  let scale = precision === "float16" ? SCALE.first : 1;
  let stepsSince = 0;
  let numSkipped = 0;
  return {
    weights,
    commit: () => {
      weights.forEach(({ vector }, i) => {
        round16(vector.view(), session.weights[i]!.vector.view(), precision);
      });
      session.commit();
    },
    scale: () => scale,
    unscaled: (gradients) => {
      let allFinite = true;
      gradients.forEach((gradient, i) => {
        const [from, to] = [gradient.view(), gradientsOf[i]!.view()];
        round16(from, to, precision);
        for (let j = 0; j < to.length; j++) {
          to[j]! /= scale;
          allFinite &&= Number.isFinite(to[j]!);
        }
      });
      if (precision === "bfloat16") return gradientsOf; // of float32's range: what is too large there is too large here
      stepsSince = allFinite ? stepsSince + 1 : 0;
      if (!allFinite) {
        numSkipped++;
        scale = Math.max(1, scale / 2);
        return null;
      }
      if (stepsSince % SCALE.growAfterSteps === 0) scale = Math.min(SCALE.most, 2 * scale);
      return gradientsOf;
    },
    read: () =>
      new Map<string, Tensor>(
        weights.map(({ name, tensor, vector }) => [
          name,
          { shape: [...tensor.shape], data: vector.view().slice() },
        ]),
      ),
    round: (x) => arithmetic.rounded(x, precision),
    numSkipped: () => numSkipped,
  };
}
