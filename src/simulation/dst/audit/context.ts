import { type OwnedPlan, ownedPlan } from "../../../compress/owned.ts";
import type { CoordinatorOptions } from "../../../coordinator/options.ts";
import type { ClientId } from "../../../model/message.ts";
import type { Masks } from "../../../model/tensor.ts";
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
  | "report"
  | "control"
  | "conservation"
  | "damage"
  | "operator"
  | "engine"
  | "liveness";

export interface AuditedPart {
  readonly width: number;
  readonly plan: OwnedPlan;
  /** Coordinates of the model, rising. */
  readonly owned: readonly number[];
}

/** What all parts of the auditor share. */
export interface AuditContext {
  readonly shape: Shape;
  readonly options: CoordinatorOptions;
  readonly plan: OwnedPlan;
  /** The part of the model that a client has the memory for: hostile ones do not say. */
  readonly partOf: (clientId: ClientId) => AuditedPart;
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
  const parts = new Map<number, AuditedPart>();
  const partOf = (clientId: ClientId): AuditedPart => {
    const client = /^client-(\d+)$/.exec(clientId)?.[1];
    const width = client === undefined ? 1 : shape.clients[Number(client) - 1]!.width;
    const masks = shape.subModels.find((one) => one.width === width)?.masks ?? null;
    const part = parts.get(width) ?? {
      width,
      plan: ownedPlan(uplink, manifest, width === 1 ? null : masks, "uplink"),
      owned: placesOf(shape, width === 1 ? null : masks),
    };
    parts.set(width, part);
    return part;
  };
  return {
    shape,
    options,
    plan: ownedPlan(uplink, manifest, null, "uplink"),
    partOf,
    length: [...shape.initial.values()].reduce((sum, { data }) => sum + data.length, 0),
    fail,
  };
}

function placesOf({ initial }: Shape, masks: Masks | null): readonly number[] {
  const places: number[] = [];
  let start = 0;
  for (const [name, { data }] of initial) {
    for (const at of masks?.get(name) ?? data.keys()) places.push(start + at);
    start += data.length;
  }
  return places;
}
