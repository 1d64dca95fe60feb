import type { EncodedDelta } from "../compress/error-feedback.ts";
import type { PlanGroup } from "../compress/plan.ts";
import { mapParams, type Params, toDense, zerosLike } from "../model/tensor.ts";

/** SCAFFOLD's control variates as a client has them; null is zero everywhere. */
export interface Controls {
  /** c, the cohort's, of the held version. */
  readonly shared: Params | null;
  /** c_i, the client's own: the mean gradient of its last training that was folded. */
  readonly own: Params | null;
}

export const noControls: Controls = { shared: null, own: null };

/** c - c_i, which every local step adds to its gradient (Karimireddy et al., 2020); undefined while both are zero. */
export function correctionOf({ shared, own }: Controls): Params | undefined {
  if (own === null) return shared ?? undefined;
  return mapParams(own, ({ data }, name) => {
    const c = shared?.get(name)?.data;
    return data.map((v, j) => (c?.[j] ?? 0) - v);
  });
}

/**
 * c_i - c - d / rate, which is c_i once the report is folded; d is the delta a local step. Where a rule has no error
 * feedback d is what was sent, for the coordinator takes the cohort's variate from that; with error feedback it is what
 * was trained, and what is owed goes into the cohort's later.
 */
export function ownAfter(
  controls: Controls,
  trained: Params,
  { groups, sent }: { readonly groups: readonly PlanGroup[]; readonly sent: EncodedDelta["sent"] },
  learningRate: number,
): Params {
  const late = new Set(
    groups.filter(({ rule }) => rule.errorFeedback).flatMap(({ tensors }) => tensors.map(({ name }) => name)),
  );
  const perStep = mapParams(trained, ({ data }, name) => (late.has(name) ? data : toDense(sent.get(name)!)));
  const correction = correctionOf(controls) ?? zerosLike(perStep);
  return mapParams(perStep, ({ data }, name) => {
    const c = correction.get(name)!.data;
    return data.map((d, j) => -c[j]! - d / learningRate);
  });
}
