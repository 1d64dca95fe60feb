import type { Colors } from "picocolors/types.js";
import type { ByteTotals, TelemetryEvent } from "./event.ts";
import { formatBytes, formatCount, formatDuration, formatPercent, formatRatio, printable } from "./format.ts";

type Event<T extends TelemetryEvent["type"]> = Extract<TelemetryEvent, { type: T }>;
export type Committed = Event<"round.committed">;
type Evaluated = Event<"model.evaluated">;

/** One event, one line; strings from the network are made printable. */
export interface Lines {
  readonly start: (event: Event<"run.started">) => string;
  /** `rounds` and the evaluation where they are known. */
  readonly round: (rounds: number | null, committed: Committed, evaluated: Evaluated | null) => string;
  readonly evaluation: (event: Evaluated) => string;
  readonly finish: (event: Event<"run.finished">) => string;
  /** Clients coming and going. */
  readonly client: (event: Event<"client.joined" | "client.left">) => string;
  /** What is out of the ordinary, and the student; null for the rest. */
  readonly other: (event: TelemetryEvent) => string | null;
}

export function lines(paint: Colors): Lines {
  const score = ({ accuracy, loss, auc }: Evaluated): string => {
    const area = auc === undefined ? "" : `  AUC ${auc.toFixed(4)}`;
    return `accuracy ${paint.bold(formatPercent(accuracy).padStart(8))}${area}  loss ${loss.toFixed(4)}`;
  };
  const traffic = ({ uplink, downlink, ratioTotal }: ByteTotals): string => {
    const ratio = paint.green(formatRatio(ratioTotal).padStart(6));
    return `up ${formatBytes(uplink).padStart(7)}  down ${formatBytes(downlink).padStart(7)}  ${ratio}`;
  };
  const warning = (text: string): string => paint.yellow(`! ${text}`);
  return {
    start: ({ name, seed, model, rounds, resumedFromVersion }) => {
      const size = `${formatCount(model.numParams)} parameters, ${formatBytes(model.denseBytes)} dense`;
      const resumed = resumedFromVersion === null ? "" : `, resumed from version ${resumedFromVersion}`;
      return `${paint.bold(printable(name))}  ${printable(model.name)}: ${size}  ${rounds} rounds, seed ${seed}${resumed}`;
    },
    round: (rounds, committed, evaluated) => {
      const width = String(rounds ?? committed.round).length;
      const of = rounds === null ? "" : `/${rounds}`;
      return [
        `round ${String(committed.round).padStart(width)}${of}`,
        `v${committed.version}`.padEnd(width + 1),
        ...(evaluated === null ? [] : [score(evaluated)]),
        (committed.reports === 1 ? "1 report " : `${committed.reports} reports`).padStart(10),
        traffic((evaluated ?? committed).bytes),
      ].join("  ");
    },
    evaluation: (event) => `v${event.version}  ${score(event)}`,
    finish: ({ outcome, detail, version, bytes }) => {
      const said = outcome === "done" ? paint.green("done") : paint.red(outcome);
      const why = detail === "" ? "" : ` (${printable(detail)})`;
      const saved = bytes.total === 0 ? "" : `, ${formatRatio(bytes.ratioTotal)} less than dense`;
      return `${said}${why}  version ${version}, ${formatBytes(bytes.total)} sent${saved}`;
    },
    client: (event) =>
      event.type === "client.left"
        ? paint.dim(`- ${printable(event.clientId)}`)
        : paint.dim(`+ ${printable(event.clientId)}  ${formatCount(event.numExamples)} examples`),
    other: (event) => {
      switch (event.type) {
        case "client.refused":
          return warning(`${printable(event.clientId)} refused: ${reasonOf(event)}`);
        case "report.refused":
          return warning(
            `report of ${printable(event.clientId)} refused in round ${event.round}: ${reasonOf(event)}`,
          );
        case "round.abandoned":
          return warning(`round ${event.round} abandoned with ${event.reports} of ${event.minimum} reports`);
        case "run.paused":
          return warning(`paused${event.round === null ? "" : pausedRound(event.round, event.abandoned)}`);
        case "run.resumed":
          return "resumed";
        case "journal.repaired":
          return warning(
            `journal: ${REPAIRS[event.what]}: ${printable(event.file)}, ${formatCount(event.bytes)} bytes`,
          );
        case "coordinator.stalled":
          return warning(
            `waiting for room on the disk of ${printable(event.folder)} (${printable(event.detail)})`,
          );
        case "coordinator.resumed":
          return warning(`there is room again after ${formatDuration(event.waitedMs)}`);
        case "telemetry.dropped":
          return warning(`${formatCount(event.events)} events lost on the way to ${printable(event.sink)}`);
        case "student.shipped": {
          const size = `${formatCount(event.numParams)} parameters, ${formatCount(event.bytes)} bytes`;
          return `student  accuracy ${paint.bold(formatPercent(event.accuracy))}  ${size}  ${printable(event.path)}`;
        }
        default:
          return null;
      }
    },
  };
}

const pausedRound = (round: number, abandoned: boolean): string =>
  abandoned ? `: round ${round} is abandoned` : ` as soon as round ${round} is over`;

/** What a repair of the journal means, for people. */
export const REPAIRS = {
  "torn-tail": "a torn tail, never acknowledged, counts for nothing",
  snapshot: "a snapshot cannot be read, its records can",
  "stale-segment": "a segment of a coordinator that had been replaced was removed",
  leftover: "what a broken-off write had left was removed",
};

const reasonOf = ({ code, detail }: { readonly code: string; readonly detail: string }): string =>
  detail === "" ? printable(code) : `${printable(code)} (${printable(detail)})`;
