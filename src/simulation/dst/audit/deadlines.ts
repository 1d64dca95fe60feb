import type { TelemetryEvent } from "../../../telemetry/event.ts";
import type { AuditContext } from "./context.ts";

/** A round that nobody's report was refused in is given up no earlier than its deadline. */
export interface DeadlineAudit {
  readonly heard: (life: object, event: TelemetryEvent) => void;
  readonly died: (life: object) => void;
  /** After every event: a refusal that ends a round is told after it. */
  readonly check: () => void;
}

export function deadlineAudit({ shape, fail }: AuditContext, now: () => number): DeadlineAudit {
  const { reportDeadline } = shape.config.cohort;
  /** The round that each life of the coordinator opened last. */
  const rounds = new Map<object, { readonly round: number; readonly atMs: number; hasRefused: boolean }>();
  let suspicion: string | null = null;
  return {
    heard: (life, event) => {
      const open = rounds.get(life);
      if (event.type === "round.opened")
        rounds.set(life, { round: event.round, atMs: now(), hasRefused: false });
      else if (event.type === "report.refused") {
        suspicion = null;
        if (open) open.hasRefused = true;
      } else if (event.type === "round.abandoned" && open?.round === event.round && !open.hasRefused) {
        const afterMs = now() - open.atMs;
        if (afterMs < reportDeadline - 1)
          suspicion = `round ${event.round} is abandoned after ${Math.round(afterMs)} of ${reportDeadline} ms`;
      }
    },
    died: (life) => {
      rounds.delete(life);
      suspicion = null; // it could not tell any more
    },
    check: () => {
      if (suspicion !== null) fail("deadline", suspicion);
      suspicion = null;
    },
  };
}
