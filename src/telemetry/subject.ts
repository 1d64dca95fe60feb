import type { TelemetryRecord } from "./event.ts";

/** The NATS subject of a record: `fedpress.<run>.<noun>.<verb>`. */
export const subjectOf = ({ runId, event }: TelemetryRecord): string =>
  `fedpress.${token(runId)}.${event.type}`;

/** What to subscribe to for one run, or for all when `run` is null. */
export const subjectsOf = (run: string | null): string =>
  run === null ? "fedpress.>" : `fedpress.${token(run)}.>`;

/** One token of a subject: a dot, a wildcard or a space in it would change where the record goes. */
const token = (text: string): string => text.replaceAll(/[^A-Za-z0-9_-]/g, "_") || "_";
