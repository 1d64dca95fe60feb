import picocolors from "picocolors";
import type { TelemetryEvent, TelemetryRecord } from "./event.ts";
import { printable } from "./format.ts";
import { type Committed, lines } from "./lines.ts";

export interface ProgressOptions {
  readonly color: boolean;
  /** Start every line with the run's id, where several runs share a terminal. */
  readonly showRun?: boolean;
  /** Tell of every client that joins and leaves; refusals are always told. */
  readonly showClients?: boolean;
}

interface RunState {
  /** Null while the run's start was not seen. */
  readonly rounds: number | null;
  /** A round that waits for its accuracy. */
  readonly committed: Committed | null;
  /** False once a round went by without an accuracy: then lines don't wait for one. */
  readonly evaluates: boolean;
}

const MAX_RUNS = 256;
const unknownRun: RunState = { rounds: null, committed: null, evaluates: true };

/**
 * Lines for a terminal out of the records of one run or many: one a round, and a short one for what is out of the
 * ordinary. A round's line waits for its accuracy where the run measures one.
 */
export function progress(options: ProgressOptions): (record: TelemetryRecord) => readonly string[] {
  const { color, showRun = false, showClients = true } = options;
  const paint = picocolors.createColors(color);
  const line = lines(paint);
  const runs = new Map<string, RunState>();

  const step = (run: RunState, event: TelemetryEvent): [RunState, readonly (string | null)[]] => {
    const waited = run.committed === null ? [] : [line.round(run.rounds, run.committed, null)];
    switch (event.type) {
      case "run.started":
        return [{ ...unknownRun, rounds: event.rounds }, [line.start(event)]];
      case "round.committed": {
        const evaluates = run.evaluates && run.committed === null;
        if (evaluates) return [{ ...run, committed: event }, []];
        return [{ ...run, committed: null, evaluates }, [...waited, line.round(run.rounds, event, null)]];
      }
      case "model.evaluated": {
        const after = { ...run, committed: null, evaluates: true };
        if (run.committed?.version !== event.version) return [after, [...waited, line.evaluation(event)]];
        return [after, [line.round(run.rounds, run.committed, event)]];
      }
      case "run.finished":
        return [unknownRun, [...waited, line.finish(event)]];
      case "client.joined":
      case "client.left":
        return [run, showClients ? [line.client(event)] : []];
      default:
        return [run, [line.other(event)]];
    }
  };

  return ({ runId, event }) => {
    const [after, told] = step(runs.get(runId) ?? unknownRun, event);
    runs.delete(runId); // so that the run that spoke last is last in the map's order
    if (event.type !== "run.finished") runs.set(runId, after);
    if (runs.size > MAX_RUNS) runs.delete(runs.keys().next().value!);
    const texts = told.filter((text) => text !== null);
    return showRun ? texts.map((text) => `${paint.dim(printable(runId, 32))}  ${text}`) : texts;
  };
}
