import type { TelemetryEvent } from "../../../telemetry/event.ts";
import type { AuditContext } from "./context.ts";

interface Life {
  readonly isAlive: () => boolean;
}

/** A round that nobody's report was refused in is given up no earlier than its deadline. */
export interface DeadlineAudit {
  readonly heard: (life: Life, event: TelemetryEvent) => void;
  readonly died: (life: Life) => void;
  /** After every event: a refusal that ends a round is told after it. */
  readonly check: () => void;
}

export function deadlineAudit({ shape, fail }: AuditContext, now: () => number): DeadlineAudit {
  const { reportDeadline } = shape.config.cohort;
  /** The round that each life of the coordinator opened last. */
  const rounds = new Map<Life, { readonly round: number; readonly atMs: number; hasRefused: boolean }>();
  let suspicion: { readonly life: Life; readonly what: string } | null = null;
  return {
    heard: (life, event) => {
      const open = rounds.get(life);
      if (event.type === "round.opened")
        rounds.set(life, { round: event.round, atMs: now(), hasRefused: false });
      else if (event.type === "run.paused" && event.abandoned && open) rounds.delete(life);
      else if (event.type === "report.refused") {
        suspicion = null;
        if (open) open.hasRefused = true;
      } else if (event.type === "round.abandoned" && open?.round === event.round && !open.hasRefused) {
        const afterMs = now() - open.atMs;
        if (afterMs < reportDeadline - 1)
          suspicion = {
            life,
            what: `round ${event.round} is abandoned after ${Math.round(afterMs)} of ${reportDeadline} ms`,
          };
      }
    },
    died: (life) => {
      rounds.delete(life);
    },
    check: () => {
      // who died in the middle could not tell of a refusal any more
      if (suspicion?.life.isAlive()) fail("deadline", suspicion.what);
      suspicion = null;
    },
  };
}
