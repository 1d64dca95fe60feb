import type { Refusal } from "../../model/protocol.ts";

/** Whether it stays with that answer: nothing is decided by a refusal that says when to ask again. */
export const isFinal = (refusal: Refusal | null): boolean =>
  refusal !== null && refusal.retryAfterMs === undefined;

/** Of the report that was announced these bytes say nothing: it may come yet. */
export const damaged: Refusal = {
  code: "bad-digest",
  detail: "the frame is not the one announced",
  retry: true,
  retryAfterMs: 1000,
};

export const ending: Refusal = {
  code: "run-over",
  detail: "the coordinator is ending",
  retry: true,
  retryAfterMs: 1000,
};

export const diskFull: Refusal = {
  code: "disk-full",
  detail: "the coordinator waits for room on its disk",
  retry: true,
  retryAfterMs: 5_000,
};
