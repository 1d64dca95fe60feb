import { type Coordinator, openCoordinator } from "../../coordinator/coordinator.ts";
import { JournalError } from "../../coordinator/journal.ts";
import type { CoordinatorOptions } from "../../coordinator/options.ts";
import type { TelemetryEvent } from "../../telemetry/event.ts";
import type { Auditor } from "./audit/auditor.ts";
import type { AuditContext } from "./audit/context.ts";
import type { Chance } from "./chance.ts";
import type { SimulatedDisk } from "./disk.ts";
import type { Network } from "./network.ts";
import { clockOf, type Process, spawn } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

/** The coordinator's machine: its disk stays, a supervisor starts the process again whenever it ends. */
export interface CoordinatorHost {
  readonly start: () => void;
  readonly process: () => Process | null;
  readonly leap: (ms: number) => void;
  readonly crash: (withMachine: boolean, downMs: number, bit: boolean) => void;
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

export function coordinatorHost(parts: HostParts): CoordinatorHost {
  const { options, time, network, auditor, trace, disk, fail } = parts;
  let process: Process | null = null;
  let leap: (ms: number) => void = () => {};
  let damage: { readonly undo: () => void; readonly where: string } | null = null;
  let lives = 0;

  const ended = (mine: Process): void => {
    mine.kill();
    if (process !== mine) return;
    process = null;
    network.serve(null);
    auditor.coordinatorDied();
    disk.crash(false);
  };

  const start = (): void => {
    if (process !== null) return;
    const mine = spawn(NAME, time);
    process = mine;
    trace.note(
      NAME,
      `starts, life ${++lives}${damage === null ? "" : `, with a bit of ${damage.where} turned`}`,
    );
    const own = clockOf(mine, time, 1);
    leap = own.leap;
    let coordinator: Coordinator | null = null;
    const emit = (event: TelemetryEvent): void => {
      if (!mine.isAlive()) return;
      auditor.heard(event, coordinator);
      const line = lineOf(event);
      if (line !== null) trace.note(NAME, line);
    };
    openCoordinator(options, {
      disk: disk.of(mine),
      clock: own.clock,
      emit,
      evaluate: async () => null,
      observe: (round, target, owed) => {
        if (mine.isAlive()) auditor.stepped(round, target, owed);
      },
    }).then(
      (opened) => {
        if (!mine.isAlive()) return;
        coordinator = opened;
        if (damage !== null)
          return fail("damage", `a journal with a bit of ${damage.where} turned is opened`);
        auditor.coordinatorOpened(opened);
        network.serve({ process: mine, service: opened.service });
        opened.finished.then(
          ({ outcome, detail }) => {
            if (mine.isAlive()) trace.note(NAME, `the run is ${outcome}: ${detail}`);
            if (outcome === "failed") fail("liveness", `the run failed: ${detail}`);
          },
          (error: Error) => {
            if (!mine.isAlive()) return;
            trace.note(NAME, `ends: ${error.message}`);
            ended(mine);
            time.after(RESTART_MS, start);
          },
        );
      },
      (error: Error) => {
        if (!mine.isAlive()) return;
        trace.note(NAME, `does not open: ${error.message}`);
        ended(mine);
        if (error instanceof JournalError) {
          if (damage === null) return fail("journal", `the journal is refused: ${error.message}`);
          damage.undo();
          damage = null;
        }
        time.after(RESTART_MS, start);
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
      ended(process);
      if (withMachine) disk.crash(true);
      if (bit && damage === null) damage = turnBit(parts);
      time.after(downMs, start);
    },
  };
}

/** Where the engine cannot take it for a torn tail: not in the last record. */
function turnBit({
  disk,
  chance,
  time,
}: HostParts): { readonly undo: () => void; readonly where: string } | null {
  const file = disk.durable("journal.log");
  if (file === null) return null;
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const starts: number[] = [];
  for (let at = 0; at + 12 <= file.length; at += 12 + view.getUint32(at, true)) starts.push(at);
  const last = starts.pop() ?? 0;
  if (last === 0) return null;
  // half of the time in a record's head
  const head = starts[chance.below(starts.length, "turned head", time.now())]!;
  const inHead = chance.below(2, "in a head", time.now()) === 0;
  const bit = inHead
    ? 8 * head + chance.below(8 * 12, "turned bit", time.now())
    : chance.below(8 * last, "turned bit", time.now());
  return { undo: disk.flip("journal.log", bit), where: `byte ${bit >> 3}` };
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
      return `cuts ${event.bytes} torn bytes off its journal`;
    default:
      return null;
  }
}
