import type { PlanRule } from "../model/protocol.ts";
import type { Priors } from "./error-feedback.ts";
import { type History, priorsOf } from "./history.ts";
import { isMasked, type OwnedPlan } from "./owned.ts";

/** Whether a history is kept beside the model of a run with these plans: one rule is enough. */
export const usesHistory = (...plans: readonly (readonly PlanRule[])[]): boolean =>
  plans.some((rules) => rules.some(({ history }) => history === true));

const made = new WeakMap<History, Map<string, Priors>>();

/**
 * What both ends know of what a client owns. It is made once for all that own the same: a coordinator and a simulation have
 * many of them.
 */
export function ownedPriors(history: History | null, plan: OwnedPlan): Priors {
  if (history === null) return null;
  const ofHistory = made.get(history) ?? new Map<string, Priors>();
  made.set(history, ofHistory);
  const known = ofHistory.get(plan.digest);
  if (known !== undefined) return known;
  const priors = priorsOf(plan.groups, history, isMasked(plan) ? plan.masks : null);
  ofHistory.set(plan.digest, priors);
  return priors;
}
