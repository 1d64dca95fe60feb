import type { Priors } from "../compress/error-feedback.ts";
import { decodeOwned, type OwnedPlan } from "../compress/owned.ts";
import type { Scratch } from "../compress/scratch.ts";
import { assert } from "../model/assert.ts";
import { maskIn } from "../model/masks.ts";
import type { ClientId, TensorUpdate, UpdateMessage } from "../model/message.ts";
import { mapParams, type Params, type SparseVector } from "../model/tensor.ts";
import type { UpdateFrame } from "./frame.ts";

/**
 * The message in an update frame: the payloads decoded and dealt out to the owned coordinates of the manifest's tensors.
 * Throws WireError. `scratch` gives the values' memory, `priors` are those of its base version. Does not check round, base, manifest and plan: what they should be is the caller's knowledge.
 */
export function decodeUpdate(
  frame: UpdateFrame,
  clientId: ClientId,
  plan: OwnedPlan,
  scratch?: Scratch,
  priors: Priors = null,
): UpdateMessage {
  const { round, baseVersion, numExamples, numSteps, trainLoss } = frame;
  const tensors = [...decodeOwned(plan, frame.payloads, scratch, priors)].map(
    ([name, delta]): [string, TensorUpdate] => [name, { mask: maskIn(plan.masks, name), delta }],
  );
  return { clientId, round, baseVersion, numExamples, numSteps, trainLoss, tensors: new Map(tensors) };
}

/**
 * The next version of a model: one float32 addition a coordinate of the support, so that coordinator and clients
 * get the same bits. Shares nothing with `params`.
 */
export function applyDelta(params: Params, deltas: ReadonlyMap<string, SparseVector>): Params {
  return mapParams(params, ({ data }, name) => {
    const delta = deltas.get(name);
    assert(delta?.length === data.length, `the delta of ${name} has its length`);
    const next = data.slice();
    const { support, values } = delta;
    for (let i = 0; i < values.length; i++) next[support === null ? i : support[i]!]! += values[i]!;
    return next;
  });
}
