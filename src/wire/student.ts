import { decodeAny } from "../compress/codec.ts";
import { gather, planGroups, scatter } from "../compress/plan.ts";
import { assert } from "../model/assert.ts";
import { manifestOf } from "../model/manifest.ts";
import type { PlanRule } from "../model/protocol.ts";
import { deriveSeed } from "../model/rng.ts";
import { type Params, sizeOf, type Tensor, toDense } from "../model/tensor.ts";
import type { StudentFrame } from "./frame.ts";

/** How a student's tensors are coded: plan rules, but for error feedback, which a model that is sent once has no use for. */
export type StudentRule = Omit<PlanRule, "errorFeedback">;

/**
 * A model as a frame to ship; `studentParams` of it is what the rules' codecs leave of `params`. `seed` is for what
 * they leave to chance.
 */
export function encodeStudent(
  architecture: string,
  params: Params,
  rules: readonly StudentRule[],
  seed: number,
): StudentFrame {
  const manifest = manifestOf(params);
  const plan = rules.map((rule): PlanRule => ({ ...rule, errorFeedback: false }));
  const groups = planGroups(plan, manifest, "student").map((group, i) => ({
    tensors: group.tensors.map((tensor) => manifest.tensors.indexOf(tensor)),
    payload: group.codec.encode(gather(group, params), deriveSeed(seed, "group", i)).payload,
  }));
  return { kind: "student", architecture, manifest, groups };
}

/** The model in a student frame, in the manifest's order. Throws WireError. */
export function studentParams({ manifest, groups }: StudentFrame): Params {
  const decoded = new Map<string, Float32Array>();
  groups.forEach(({ tensors: indices, payload }, i) => {
    const tensors = indices.map((index) => manifest.tensors[index]!);
    const length = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const vector = decodeAny(payload, length, `group ${i} payload`);
    for (const [name, sparse] of scatter({ tensors }, vector)) decoded.set(name, toDense(sparse));
  });
  return new Map(
    manifest.tensors.map(({ name, shape }): [string, Tensor] => {
      const data = decoded.get(name);
      assert(data !== undefined, `${name} is in a group`);
      return [name, { shape, data }];
    }),
  );
}
