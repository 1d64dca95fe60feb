import { CONFIRM_EVERY_MS, type Coordinator, openCoordinator } from "../../coordinator/coordinator.ts";
import { JournalError } from "../../coordinator/journal/error.ts";
import type { CoordinatorOptions } from "../../coordinator/options.ts";
import type { TelemetryEvent } from "../../telemetry/event.ts";
import type { Auditor } from "./audit/auditor.ts";
import type { AuditContext } from "./audit/context.ts";
import { isOfDisk } from "./call.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedDisk } from "./disk.ts";
import type { Network, Server } from "./network.ts";
import { clockOf, type Process, spawn } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

/** The coordinator's machine: its disk stays, a supervisor starts the process again whenever it ends. */
export interface CoordinatorHost {
  readonly start: () => void;
  /** The one that was started last. */
  readonly process: () => Process | null;
  readonly leap: (ms: number) => void;
  readonly crash: (withMachine: boolean, downMs: number, bit: boolean) => void;
  /** A second one is started beside the first, which somebody took for dead. */
  readonly takeOver: () => void;
  /** An operator has the run stand still, or go on, and sees to it that it does after a restart too. */
  readonly pause: (abandon: boolean) => void;
  readonly resume: () => void;
}

export interface HostParts {
  readonly options: CoordinatorOptions;
  readonly time: Scheduler;
  readonly chance: Chance;
  readonly network: Network;
  readonly auditor: Auditor;
  readonly trace: Trace;
  readonly disk: SimulatedDisk;
  readonly fail: AuditContext["fail"];
}

const RESTART_MS = 2000;
const NAME = "coordinator";

/** Of an operator; another one of the same kind is another order. */
interface Order {
  readonly how: "paused" | "running";
}

interface Damage {
  readonly undo: () => void;
  readonly where: string;
}

export function coordinatorHost(parts: HostParts): CoordinatorHost {
  const { options, time, network, auditor, trace, disk, fail } = parts;
  const lives = new Set<Process>();
  let process: Process | null = null;
  let leap: (ms: number) => void = () => {};
  let damage: Damage | null = null;
  let numLives = 0;
  let newest: Coordinator | null = null;
  let wanted: Order = { how: "running" };

  /** What the operator wants is asked of whoever runs; the answer counts if nothing was wanted since. */
  const operate = (abandon: boolean): void => {
    const [mine, coordinator, asked] = [process, newest, wanted];
    if (mine === null || coordinator === null) return;
    mine.deliver(() => {
      if (wanted !== asked) return; // it stood still meanwhile
      trace.note("operator", asked.how === "paused" ? `pauses${abandon ? ", and abandons" : ""}` : "resumes");
      const done = asked.how === "paused" ? coordinator.pause({ abandon }) : coordinator.resume();
      done.then(
        (isTaken) => {
          if (!isTaken || !mine.isAlive() || process !== mine || wanted !== asked) return;
          auditor.operated(asked.how, abandon);
        },
        (error: Error) => {
          if (mine.isAlive() && !isOfJournal(error)) fail("engine", `the operator: ${error.stack}`);
        },
      );
    });
  };

  const ended = (mine: Process): void => {
    mine.kill();
    lives.delete(mine);
    disk.died(mine);
    auditor.coordinatorDied(mine);
    if (process !== mine) return;
    process = null;
    newest = null;
    network.serve(null);
  };
  const again = (mine: Process, error: Error, what: string): void => {
    trace.note(mine.name, `${what}: ${error.message}`);
    const isNewest = process === mine;
    ended(mine);
    if (isNewest) time.after(RESTART_MS, start);
  };

  const start = (): void => {
    if (process !== null) return;
    const name = `${NAME}${numLives++ === 0 ? "" : `-${numLives}`}`;
    const mine = spawn(name, time);
    process = mine;
    lives.add(mine);
    trace.note(name, `starts${damage === null ? "" : `, with a bit of ${damage.where} turned`}`);
    const own = clockOf(mine, time, 1);
    leap = own.leap;
    let coordinator: Coordinator | null = null;
    const emit = (event: TelemetryEvent): void => {
      if (!mine.isAlive()) return;
      auditor.heard(mine, event, coordinator);
      const line = lineOf(event);
      if (line !== null) trace.note(name, line);
    };
    openCoordinator(options, {
      disk: disk.of(mine),
      clock: own.clock,
      emit,
      evaluate: async () => null,
      observe: (round, target, owed) => {
        if (mine.isAlive()) auditor.stepped(round, target, owed, coordinator === null);
      },
    }).then(
      (opened) => {
        if (!mine.isAlive()) return;
        coordinator = opened;
        if (damage !== null)
          return fail("damage", `a journal with a bit of ${damage.where} turned is opened`);
        const watch = (): void => {
          own.clock.after(CONFIRM_EVERY_MS, () => void opened.confirm().then(watch));
        };
        watch();
        const server: Server = { process: mine, service: opened.service, staged: new Map() };
        auditor.coordinatorOpened(server, opened);
        if (process === mine) {
          network.serve(server);
          newest = opened;
          if (opened.status().paused !== (wanted.how === "paused")) operate(false);
        }
        opened.finished.then(
          ({ outcome, detail }) => {
            if (!mine.isAlive()) return;
            trace.note(name, `the run is ${outcome}: ${detail}`);
            if (outcome === "failed") fail("liveness", `the run failed: ${detail}`);
          },
          (error: Error) => mine.isAlive() && again(mine, error, "ends"),
        );
      },
      (error: Error) => {
        if (!mine.isAlive()) return;
        if (isDamage(error)) {
          if (damage === null) return fail("journal", `the journal is refused: ${error.message}`);
          damage.undo();
          damage = null;
        }
        again(mine, error, "does not open");
      },
    );
  };

  return {
    start,
    process: () => process,
    leap: (ms) => leap(ms),
    crash: (withMachine, downMs, bit) => {
      if (process === null) return;
      trace.note(NAME, withMachine ? "loses power" : "is killed");
      const dying = withMachine ? [...lives] : [process];
      for (const one of dying) ended(one);
      if (withMachine) disk.loseUnflushed();
      if (bit && damage === null && lives.size === 0) damage = turnBit(parts);
      time.after(downMs, start);
    },
    takeOver: () => {
      if (process === null || damage !== null) return;
      trace.note(NAME, "is taken over");
      process = null;
      newest = null;
      start();
    },
    pause: (abandon) => {
      wanted = { how: "paused" };
      operate(abandon);
    },
    resume: () => {
      if (wanted.how === "running") return;
      wanted = { how: "running" };
      operate(false);
    },
  };
}

/** It ends with its journal, which is another's business. */
const isOfJournal = (error: Error): boolean => error instanceof JournalError || isOfDisk(error);

const isDamage = (error: Error): boolean => error instanceof JournalError && error.code !== "fenced";

/** Of what counts, in the newest segment, half of the time in a record's head. */
function turnBit({ disk, chance, time, auditor }: HostParts): Damage | null {
  const newest = auditor.newestSegment();
  if (newest === null || newest.bytes === 0) return null;
  const { name, bytes } = newest;
  // one that is not durable yet may make this one needless
  if (disk.visibleNames().some((other) => other.startsWith("segment-") && other > name)) return null;
  const at = time.now();
  const file = disk.durable(name)!;
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const starts: number[] = [];
  for (let start = 0; start < bytes; start += 48 + view.getUint32(start, true)) starts.push(start);
  const head = starts[chance.below(starts.length, "turned head", at)]!;
  const inHead = chance.below(2, "in a head", at) === 0;
  const bit = inHead
    ? 8 * head + chance.below(8 * 48, "turned bit", at)
    : chance.below(8 * bytes, "turned bit", at);
  return { undo: disk.flip(name, bit), where: `${name}, byte ${bit >> 3}` };
}

function lineOf(event: TelemetryEvent): string | null {
  switch (event.type) {
    case "round.opened":
      return `round ${event.round} opens on version ${event.baseVersion}`;
    case "round.committed":
      return `round ${event.round} makes version ${event.version} of ${event.reports}`;
    case "round.abandoned":
      return `round ${event.round} is abandoned with ${event.reports}`;
    case "report.accepted":
      return `takes ${event.clientId}'s report of round ${event.round}`;
    case "report.refused":
      return `refuses ${event.clientId}'s report of round ${event.round}: ${event.code}`;
    case "journal.repaired":
      return `sets right ${event.what} of ${event.file}, ${event.bytes} bytes`;
    case "coordinator.stalled":
      return "waits for room on its disk";
    case "coordinator.resumed":
      return "has room on its disk again";
    default:
      return null;
  }
}
