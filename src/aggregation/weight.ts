import { assert } from "../model/assert.ts";
import { MAX_NUM_EXAMPLES, type UpdateMessage } from "../model/message.ts";
import { normOf } from "./norm.ts";

/**
 * What an update counts for: the mean of a coordinate is the sum of gain * delta over its senders, divided by the sum of
 * weight over its owners. Integers, made once when the update is accepted and journaled with it, so that nothing that
 * they were made from is ever computed again.
 */
export interface Weight {
  /** 0 to `weight`: below it where an update is clipped, stale or otherwise to move the model less than its share. */
  readonly gain: number;
  /** 1 to MAX_WEIGHT. */
  readonly weight: number;
}

/** One training example's weight; what is left of the point is for factors. */
export const WEIGHT_UNIT = 2 ** 16;

/** Of one update. */
export const MAX_WEIGHT = MAX_NUM_EXAMPLES * WEIGHT_UNIT;

/** What an update may be weighed against. Nothing in it depends on the order in which a round's updates came. */
export interface Standing {
  /** The global model's version. */
  readonly version: number;
  /** The median training loss of the last committed round; null before there was one. */
  readonly lastLoss: number | null;
  /** The median norm of the updates of the rounds before; null before there was one. */
  readonly usualNorm: number | null;
}

export type Weigh = (update: UpdateMessage, standing: Standing) => Weight;

/** By training examples, up to `cap` of them (McMahan et al., 2017). */
export function byExamples(cap: number): Weigh {
  return ({ numExamples }) => {
    const weight = Math.min(numExamples, cap) * WEIGHT_UNIT;
    return { gain: weight, weight };
  };
}

/** The norm over all tensors is brought down to `bound` (norm bounding; Sun et al., 2019). */
export function clipped(weigh: Weigh, bound: number): Weigh {
  return (update, standing) => lessened(weigh(update, standing), bound / normOf(update));
}

/**
 * The norm is brought down to the median of the rounds before, so that nobody counts for more by shouting (norm bounding
 * with a bound that follows the training; Sun et al., 2019). The first round goes unbounded, but for the gates.
 */
export const boundedByMedian =
  (weigh: Weigh): Weigh =>
  (update, standing) => {
    const { usualNorm } = standing;
    return lessened(weigh(update, standing), usualNorm === null ? 1 : usualNorm / normOf(update));
  };

/**
 * An update from a model `s` versions old moves the new one by (1 + s)^-exponent of its share (Xie et al., "Asynchronous
 * Federated Optimization", 2019; Nguyen et al., FedBuff, 2022).
 */
export function discounted(weigh: Weigh, exponent: number): Weigh {
  return (update, standing) =>
    lessened(weigh(update, standing), (1 + standing.version - update.baseVersion) ** -exponent);
}

/**
 * q-FedAvg (Li et al., "Fair Resource Allocation in Federated Learning", 2020): clients with a loss F count F^q, and
 * the step is as long as the estimate L of the local Lipschitz constant allows: gain = F^q, weight =
 * F^q (1 + q L |delta|^2 / F). The paper has L = 1 / learningRate, for a delta of one step; after `steps` of them the
 * same gradients make a delta that is as many times longer, so that 1 / L is the learning rate times the steps. F is the
 * mean loss of the training that made the update, not one more pass over the data, and is counted relative to the
 * median of the round before, of which a single client cannot make what it likes; nor can it make the weight, and so the
 * step of all, what it likes by a loss of next to nothing. In the first round all count alike.
 */
export function fair(q: number, reachOf: (numSteps: number) => number): Weigh {
  return (update, { lastLoss }) => {
    if (lastLoss === null) return { gain: FAIR_UNIT, weight: FAIR_UNIT };
    const usual = Math.max(lastLoss, SMALLEST_LOSS);
    const loss = Math.min(Math.max(update.trainLoss, usual / LARGEST_RATIO), usual * LARGEST_RATIO);
    const ratio = loss / usual;
    const gain = Math.max(1, Math.round(FAIR_UNIT * (ratio / LARGEST_RATIO) ** q));
    const stretch =
      1 + (q * normOf(update) ** 2) / (Math.max(reachOf(update.numSteps), SMALLEST_REACH) * loss);
    return { gain, weight: Math.min(MAX_WEIGHT, Math.round(gain * stretch)) };
  };
}

const SMALLEST_LOSS = 1e-6;
const SMALLEST_REACH = 1e-6;
/** A loss above so many times the last round's median counts no more than that, and one so many times below no less. */
const LARGEST_RATIO = 4;
const FAIR_UNIT = 2 ** 24;

function lessened({ gain, weight }: Weight, factor: number): Weight {
  assert(!(factor < 0), "a factor is 0 or more");
  // zero over zero: an update without a delta
  return factor < 1 ? { gain: Math.round(gain * factor), weight } : { gain, weight };
}
