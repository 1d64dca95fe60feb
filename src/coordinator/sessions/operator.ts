import type { ByteTotals } from "../../telemetry/event.ts";
import { dropOutOf } from "../round/over-selection.ts";
import type { RoundState } from "../round/state.ts";
import type { Desk } from "./desk.ts";

/** What an operator can ask of a run. */
export interface Operator {
  /**
   * Opens no more rounds until `resume`, after a restart too; the open round goes on to its end, or is abandoned. Resolves
   * when that is on disk; false when the run is over.
   */
  readonly pause: (how: { readonly abandon: boolean }) => Promise<boolean>;
  readonly resume: () => Promise<boolean>;
  readonly status: () => RunStatus;
}

/** What an operator sees. */
export interface RunStatus {
  readonly runId: string;
  readonly phase: RoundState["phase"];
  readonly paused: boolean;
  /** The last one opened. */
  readonly round: number;
  readonly version: number;
  /** To reach. */
  readonly rounds: number;
  /** Clients asked in the open round, of those the reports that count and those refused; 0 between rounds. */
  readonly cohort: number;
  readonly reports: number;
  readonly refused: number;
  readonly goal: number;
  /** Asked in earlier rounds, and their reports may still count. */
  readonly late: number;
  /** Clients that are checked in, and of these the ones without work. */
  readonly clients: number;
  readonly waiting: number;
  /** Share of those asked that is expected not to report. */
  readonly dropOut: number;
  readonly bytes: ByteTotals;
}

export function operator(desk: Desk): Operator {
  const isOver = (): boolean => desk.isOver() || desk.state().phase === "finished";
  return {
    pause: async ({ abandon }) => {
      if (isOver()) return false;
      const { paused, phase, round } = desk.state();
      const open = phase === "reporting" ? round : null;
      const abandoned = abandon && open !== null;
      if (!paused) void desk.write({ type: "paused" });
      if (!paused || abandoned) desk.emit({ type: "run.paused", round: open, abandoned });
      desk.dispatch({ type: "paused", abandon });
      await desk.durable();
      return true;
    },
    resume: async () => {
      if (isOver()) return false;
      if (desk.state().paused) {
        void desk.write({ type: "resumed" });
        desk.emit({ type: "run.resumed" });
        desk.dispatch({ type: "resumed" });
      }
      await desk.durable();
      return true;
    },
    status: () => statusOf(desk),
  };
}

function statusOf({ options, state, ledger }: Desk): RunStatus {
  const { phase, paused, round, version, cohort, reported, refused, late, present, waiting, evidence } =
    state();
  const isOpen = phase === "reporting";
  return {
    runId: options.runId,
    phase,
    paused,
    round,
    version,
    rounds: options.rounds.rounds,
    cohort: isOpen ? cohort.length : 0,
    reports: isOpen ? reported.length : 0,
    refused: isOpen ? refused.length : 0,
    goal: options.rounds.goal,
    late: late.length,
    clients: present.length,
    waiting: waiting.length,
    dropOut: dropOutOf(evidence),
    bytes: ledger.totals(),
  };
}
