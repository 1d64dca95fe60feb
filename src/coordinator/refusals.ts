import type { Refusal } from "../model/protocol.ts";

/** Whether it stays with that answer: nothing is decided by a refusal that says when to ask again. */
export const isFinal = (refusal: Refusal | null): boolean =>
  refusal !== null && refusal.retryAfterMs === undefined;

export const ending: Refusal = {
  code: "run-over",
  detail: "the coordinator is ending",
  retry: true,
  retryAfterMs: 1000,
};
