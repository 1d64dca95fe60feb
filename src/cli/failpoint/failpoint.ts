import { writeSync } from "node:fs";
import { ConfigError } from "../../model/error.ts";

/** How far a step has come when its process dies. */
export type Moment = "before" | "torn" | "unsynced" | "after";

interface Place {
  readonly moments: readonly Moment[];
  readonly what: string;
}

const flushed: readonly Moment[] = ["before", "torn", "unsynced", "after"];
const placed: readonly Moment[] = ["before", "torn", "after"];

const coordinator = {
  claim: { moments: ["before", "after"], what: "a coordinator takes the folder of its journal over" },
  segment: {
    moments: placed,
    what: "a segment begins: at the start, and when the last one is full or a snapshot is due",
  },
  append: { moments: flushed, what: "records are flushed" },
  started: { moments: flushed, what: "they say that a run begins" },
  opened: { moments: flushed, what: "that a round opens" },
  accepted: { moments: flushed, what: "that a report is accepted" },
  refused: { moments: flushed, what: "that a report is refused" },
  closed: { moments: flushed, what: "that a round closes" },
  blob: { moments: placed, what: "a snapshot is written, or a large record" },
  remove: { moments: placed, what: "what a snapshot stands for is removed; torn: half of the files" },
  task: { moments: ["before"], what: "a task goes out" },
  verdict: { moments: ["before"], what: "what became of a report goes out" },
  model: { moments: placed, what: "a model goes out; torn: with its first bytes, after: with its last" },
  receipt: { moments: ["before", "after"], what: "a receipt goes out; after: its client comes back with it" },
} as const satisfies Readonly<Record<string, Place>>;

const client = {
  load: { moments: ["before", "after"], what: "the state of the life before is read" },
  save: { moments: placed, what: "the state is saved" },
  "save-report": { moments: placed, what: "with a report that is to be sent" },
  "save-verdict": { moments: placed, what: "with what became of a report" },
  "check-in": { moments: ["before", "after"], what: "a check-in; after: its answer is here" },
  download: { moments: ["before", "after"], what: "a model is fetched; after: nothing of it is saved yet" },
  inquire: { moments: ["before", "after"], what: "it is asked whether a report still counts" },
  upload: {
    moments: placed,
    what: "a report is sent; torn: a moment after it has begun, after: its receipt is here",
  },
  end: { moments: ["before"], what: "the run is over for this client, and its process ends" },
} as const satisfies Readonly<Record<string, Place>>;

/** Where a process of each side can be told to die, and how far the step there has come then. */
export const failpoints = { coordinator, client };
type Failpoints = typeof failpoints;

/** A process that has come to its end. */
export interface Death {
  readonly place: string;
  readonly moment: Moment;
  readonly die: () => never;
}

/** Counts one pass of each of the places; says when the process has to die at this one. */
export type Pass<P extends string> = (...places: readonly P[]) => Death | null;
export type CoordinatorPass = Pass<keyof Failpoints["coordinator"]>;
export type ClientPass = Pass<keyof Failpoints["client"]>;

/**
 * For tests: `PLACE[:N[:MOMENT]]`, of the environment's FEDPRESS_FAILPOINT, has this process kill itself with SIGKILL at
 * the Nth pass of the place (1 if left out), at the first moment that it has, or the one that is named. Null where there
 * is none. Throws ConfigError.
 */
export function failpointOf<S extends keyof Failpoints>(
  side: S,
  text: string | undefined = process.env.FEDPRESS_FAILPOINT,
): Pass<string & keyof Failpoints[S]> | null {
  if (text === undefined || text === "") return null;
  const places: Readonly<Record<string, Place>> = failpoints[side];
  const [, name = "", number = "1", asked] = /^([a-z-]+)(?::([1-9]\d{0,5})(?::([a-z]+))?)?$/.exec(text) ?? [];
  const place = Object.hasOwn(places, name) ? places[name]! : null;
  const moment = place?.moments.find((one) => asked === undefined || one === asked);
  if (moment === undefined) {
    const expected = place
      ? `${name}:N:MOMENT with ${place.moments.join(", ")}`
      : `PLACE[:N[:MOMENT]] with a place of a ${side}: ${Object.keys(places).join(", ")}`;
    throw new ConfigError([{ path: "FEDPRESS_FAILPOINT", value: text, expected }]);
  }
  let left = Number(number);
  const die = (): never => {
    writeSync(2, `failpoint ${name}:${number}:${moment}\n`);
    process.kill(process.pid, "SIGKILL");
    for (;;); // it comes any moment
  };
  return (...passed) =>
    passed.some((one) => one === name) && --left === 0 ? { place: name, moment, die } : null;
}

/** For what should have waited for the step, and has not, to get out. */
const LAST_MS = 50;

/** Takes a step, or as much of it as there is life for. */
export async function through<T>(
  death: Death | null,
  step: () => T | Promise<T>,
  parts: Partial<Record<Moment, () => unknown>> = {},
): Promise<T> {
  if (death === null) return await step();
  if (death.moment === "after") await step();
  else await parts[death.moment]?.();
  await new Promise((later) => setTimeout(later, LAST_MS));
  return death.die();
}

/** What a write that breaks off has brought to the disk. */
export const half = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, Math.ceil(bytes.length / 2));

export const describeFailpoints = (): string =>
  Object.entries(failpoints)
    .flatMap(([side, places]) => [
      `FEDPRESS_FAILPOINT=PLACE[:N[:MOMENT]] of a ${side}; only for tests: it dies there by SIGKILL`,
      ...Object.entries(places).map(
        ([name, { moments, what }]) => `  ${name.padEnd(13)} ${moments.join(", ").padEnd(30)} ${what}`,
      ),
    ])
    .join("\n");
