import { type OwnedPlan, ownedPlan } from "../../../compress/owned.ts";
import type { CoordinatorOptions } from "../../../coordinator/options.ts";
import type { Shape } from "../shape.ts";

/** A broken promise: which check found it, and what it saw. */
export interface Violation {
  readonly check: Check;
  readonly detail: string;
}

/** What the auditor looks at; each is a line of docs/testing.md. */
export type Check =
  | "journal"
  | "fold"
  | "step"
  | "broadcast"
  | "replay"
  | "receipt"
  | "verdict"
  | "task"
  | "deadline"
  | "refusal"
  | "ledger"
  | "client-model"
  | "conservation"
  | "damage"
  | "operator"
  | "engine"
  | "liveness";

/** What all parts of the auditor share. */
export interface AuditContext {
  readonly shape: Shape;
  readonly options: CoordinatorOptions;
  readonly plan: OwnedPlan;
  /** Coordinates of the model. */
  readonly length: number;
  readonly fail: (check: Check, detail: string) => void;
}

export function auditContext(
  shape: Shape,
  options: CoordinatorOptions,
  fail: AuditContext["fail"],
): AuditContext {
  const { uplink, manifest } = options.contract;
  return {
    shape,
    options,
    plan: ownedPlan(uplink, manifest, null, "uplink"),
    length: [...shape.initial.values()].reduce((sum, { data }) => sum + data.length, 0),
    fail,
  };
}
