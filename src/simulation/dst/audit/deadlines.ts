import type { TelemetryEvent } from "../../../telemetry/event.ts";
import type { AuditContext } from "./context.ts";
import { type History, type OpenRound, roundKey } from "./history.ts";

interface Life {
  readonly isAlive: () => boolean;
  /** It stands still, or stood still until then. */
  readonly pausedUntil: () => number;
}

/**
 * A round in which nobody's report was refused, or given up for a check-in, is abandoned no earlier than its deadline, and
 * none outlives that in the process that waits for it; it commits fewer reports than its goal only then, or when nobody
 * who is there owes one.
 */
export interface DeadlineAudit {
  readonly heard: (life: Life, event: TelemetryEvent) => void;
  /** A life goes on with the round that its journal has open, whose deadline begins anew. */
  readonly inherits: (life: Life, round: number | null) => void;
  /** A client gives up its report of an earlier round, which might have counted in this one. */
  readonly givenUp: (life: Life) => void;
  readonly died: (life: Life) => void;
  /** The round that a life has open, as far as it was heard; null when it has none. */
  readonly openIn: (life: Life) => number | null;
  /** A round commits for good as the version of that digest. */
  readonly commits: (open: OpenRound, digest: string, history: History) => void;
  /** After every event: a refusal that ends a round is told after it. */
  readonly check: () => void;
}

interface Round {
  readonly round: number;
  readonly atMs: number;
  /** Fewer may report than when it opened. */
  isShort: boolean;
  isOpen: boolean;
}

/** A commit as it was seen: whether the round had all of its time, and who was there. */
interface Commit {
  readonly hadTime: boolean;
  readonly present: ReadonlySet<string>;
}

export function deadlineAudit({ shape, fail }: AuditContext, now: () => number): DeadlineAudit {
  const { reportDeadline, goal } = shape.config.cohort;
  /** The round that each life of the coordinator opened last, or went on with. */
  const rounds = new Map<Life, Round>();
  const begins = new Map<Life, number>();
  const present = new Map<Life, Set<string>>();
  /** By the digest that a round leads to. */
  const commits = new Map<string, Commit[]>();
  let suspicion: { readonly life: Life; readonly what: string } | null = null;

  const closed = (life: Life, event: Extract<TelemetryEvent, { round: number }>): Round | null => {
    const open = rounds.get(life);
    if (open?.round === event.round) open.isOpen = false;
    else rounds.set(life, { round: event.round, atMs: now(), isShort: true, isOpen: false });
    return open?.round === event.round ? open : null;
  };

  return {
    heard: (life, event) => {
      const open = rounds.get(life);
      if (event.type === "run.started") {
        begins.set(life, now());
        present.set(life, new Set());
      } else if (event.type === "client.joined") present.get(life)?.add(event.clientId);
      else if (event.type === "client.left") present.get(life)?.delete(event.clientId);
      else if (event.type === "round.opened")
        rounds.set(life, { round: event.round, atMs: now(), isShort: false, isOpen: true });
      else if (event.type === "run.paused" && event.abandoned && open) rounds.delete(life);
      else if (event.type === "report.refused") {
        suspicion = null;
        if (open) open.isShort = true;
      } else if (event.type === "round.committed") {
        const afterMs = now() - (closed(life, event)?.atMs ?? begins.get(life) ?? now());
        const seen = { hadTime: afterMs >= reportDeadline - 1, present: new Set(present.get(life)) };
        commits.set(event.digest, [...(commits.get(event.digest) ?? []), seen]);
      } else if (event.type === "round.abandoned") {
        const given = closed(life, event);
        if (given === null || given.isShort) return;
        const afterMs = now() - given.atMs;
        if (afterMs < reportDeadline - 1)
          suspicion = {
            life,
            what: `round ${event.round} is abandoned after ${Math.round(afterMs)} of ${reportDeadline} ms`,
          };
      }
    },
    inherits: (life, round) => {
      if (round !== null && !rounds.has(life))
        rounds.set(life, { round, atMs: begins.get(life) ?? now(), isShort: true, isOpen: true });
    },
    givenUp: (life) => {
      const open = rounds.get(life);
      if (open) open.isShort = true;
    },
    died: (life) => {
      rounds.delete(life);
      begins.delete(life);
      present.delete(life);
    },
    openIn: (life) => {
      const open = rounds.get(life);
      return open?.isOpen && life.isAlive() ? open.round : null;
    },
    commits: ({ round, accepted }, digest, history) => {
      const seen = commits.get(digest);
      if (seen === undefined || accepted.length >= goal) return; // who wrote it died before it could tell
      const isHeard = (clientId: string): boolean =>
        history.refused.has(roundKey(clientId, round)) || accepted.some((one) => one.clientId === clientId);
      const silent = history.rounds.get(round)!.cohort.filter((clientId) => !isHeard(clientId));
      const owing = seen.map((one) => (one.hadTime ? [] : silent.filter((id) => one.present.has(id))));
      if (owing.every((ids) => ids.length > 0))
        fail(
          "deadline",
          `round ${round} commits ${accepted.length} of ${goal} reports in time, and ${owing[0]!.join(", ")} is at work`,
        );
    },
    check: () => {
      // who died in the middle could not tell of a refusal any more
      if (suspicion?.life.isAlive()) fail("deadline", suspicion.what);
      suspicion = null;
      for (const [life, { round, atMs, isOpen }] of rounds) {
        const endMs = Math.max(atMs + reportDeadline, life.pausedUntil());
        if (isOpen && life.isAlive() && now() > endMs + 1)
          fail("deadline", `round ${round} is open ${Math.round(now() - atMs)} ms, of ${reportDeadline}`);
      }
    },
  };
}
