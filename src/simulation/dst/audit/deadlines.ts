import type { TelemetryEvent } from "../../../telemetry/event.ts";
import type { AuditContext } from "./context.ts";

/** A round that nobody's report was refused in is given up no earlier than its deadline. */
export interface DeadlineAudit {
  readonly heard: (event: TelemetryEvent) => void;
  readonly died: () => void;
  /** After every event: a refusal that ends a round is told after it. */
  readonly check: () => void;
}

export function deadlineAudit({ shape, fail }: AuditContext, now: () => number): DeadlineAudit {
  const { reportDeadline } = shape.config.cohort;
  /** The round that this life of the coordinator opened last. */
  let open: { readonly round: number; readonly atMs: number; hasRefused: boolean } | null = null;
  let suspicion: string | null = null;
  return {
    heard: (event) => {
      if (event.type === "round.opened") open = { round: event.round, atMs: now(), hasRefused: false };
      else if (event.type === "report.refused") {
        suspicion = null;
        if (open !== null) open.hasRefused = true;
      } else if (event.type === "round.abandoned" && open?.round === event.round && !open.hasRefused) {
        const afterMs = now() - open.atMs;
        if (afterMs < reportDeadline - 1)
          suspicion = `round ${event.round} is abandoned after ${Math.round(afterMs)} of ${reportDeadline} ms`;
      }
    },
    died: () => {
      open = null;
    },
    check: () => {
      if (suspicion !== null) fail("deadline", suspicion);
      suspicion = null;
    },
  };
}
