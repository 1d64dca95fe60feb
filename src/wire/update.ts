import { decodeDelta } from "../compress/error-feedback.ts";
import type { PlanGroup } from "../compress/plan.ts";
import { assert } from "../model/assert.ts";
import type { Manifest } from "../model/manifest.ts";
import type { ClientId, TensorUpdate, UpdateMessage } from "../model/message.ts";
import { mapParams, type Params, type SparseVector } from "../model/tensor.ts";
import type { UpdateFrame } from "./frame.ts";

/**
 * The message in an update frame: the payloads decoded and dealt out to the manifest's tensors. Every client owns
 * every coordinate, so the masks are null. Throws WireError. Does not check round, base, manifest and plan: what
 * they should be is the caller's knowledge.
 */
export function decodeUpdate(
  frame: UpdateFrame,
  clientId: ClientId,
  groups: readonly PlanGroup[],
  manifest: Manifest,
): UpdateMessage {
  const deltas = decodeDelta(groups, frame.payloads);
  const { round, baseVersion, numExamples, numSteps, trainLoss } = frame;
  const tensors = manifest.tensors.map(({ name }): [string, TensorUpdate] => {
    const delta = deltas.get(name);
    assert(delta !== undefined, `${name} is in a group of the plan`);
    return [name, { mask: null, delta }];
  });
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
