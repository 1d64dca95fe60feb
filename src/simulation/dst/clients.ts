import { diskStore, STATE_FILE } from "../../client/disk-store.ts";
import { type ClientEvent, clientLoop } from "../../client/loop.ts";
import { decodeState, encodeState, type StateStore } from "../../client/state.ts";
import { foldHistory, type History } from "../../compress/history.ts";
import type { Disk } from "../../model/disk.ts";
import { derive } from "../../model/rng.ts";
import type { Params } from "../../model/tensor.ts";
import type { Auditor } from "./audit/auditor.ts";
import type { Chance } from "./chance.ts";
import { type SimulatedDisk, simulatedDisk } from "./disk.ts";
import type { Network } from "./network.ts";
import { clockOf, type Process, spawn } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";
import type { ClientShape, Shape } from "./shape.ts";
import type { Trace } from "./trace.ts";
import { simulatedTrainer } from "./training.ts";

/** A device: its disk stays, its processes come and go; a supervisor starts the client again whenever it ends. */
export interface Device {
  readonly clientId: string;
  readonly start: () => void;
  /** Ends what runs; null when nothing does. */
  readonly process: () => Process | null;
  readonly crash: (withMachine: boolean, downMs: number) => void;
  /** While it is down, the history that it keeps becomes another. */
  readonly damage: () => void;
  readonly leap: (ms: number) => void;
  readonly disk: SimulatedDisk;
  /** The client was told that the run is over. */
  readonly isDone: () => boolean;
  /** When all is over: nothing that a dead process still awaits is kept by Node for the signal that would end it. */
  readonly letGo: () => void;
}

export interface DeviceParts {
  readonly seed: number;
  readonly shape: Shape;
  readonly time: Scheduler;
  readonly chance: Chance;
  readonly network: Network;
  readonly auditor: Auditor;
  readonly trace: Trace;
  readonly limits: Parameters<typeof clientLoop>[0]["limits"];
}

const RESTART_MS = 2000;

export function device(parts: DeviceParts, clientId: string, kind: ClientShape): Device {
  const { seed, shape, time, chance, network, auditor, trace, limits } = parts;
  const disk = simulatedDisk(clientId, time, chance);
  const dataset = {
    inputShape: [1],
    numClasses: 2,
    inputs: new Float32Array(kind.numExamples),
    labels: new Int32Array(kind.numExamples),
  };
  const memoryBytes = shape.subModels.find(({ width }) => width === kind.width)?.memoryBytes;
  let process: Process | null = null;
  let leap: (ms: number) => void = () => {};
  let isDone = false;
  let lives = 0;
  const aborters: AbortController[] = [];

  const start = (): void => {
    if (isDone || process !== null) return;
    const life = ++lives;
    const mine = spawn(clientId, time);
    process = mine;
    trace.note(clientId, `starts, life ${life}`);
    auditor.clientStarts(clientId);
    const own = clockOf(mine, time, kind.clockRate);
    leap = own.leap;
    const aborter = new AbortController();
    aborters.push(aborter);
    let round = 0;
    const log = (event: ClientEvent): void => {
      if (event.type === "task") round = event.round;
      if (event.type === "receipt" && event.receipt.kind === "refused")
        auditor.clientRefused(clientId, event.round, event.receipt.refusal.code);
      trace.note(clientId, lineOf(event));
    };
    const link = network.link(mine, clientId);
    const trainer = simulatedTrainer(mine, clientId, time, kind.msPerStep, (_, delta) =>
      auditor.trained(clientId, round, delta),
    );
    const ended = (): void => {
      mine.kill();
      if (process === mine) process = null;
      disk.died(mine);
    };
    clientLoop(
      { clientId, dataset, limits, ...(memoryBytes !== undefined && { device: { memoryBytes } }) },
      {
        link: {
          ...link,
          report: (id, frame, offset, signal) => {
            auditor.clientSends(clientId, id.digest, disk.durable(STATE_FILE));
            return link.report(id, frame, offset, signal);
          },
        },
        trainer,
        store: audited(disk.of(mine), auditor, clientId),
        clock: own.clock,
        factory: () => copyOf(shape.initial),
        rng: derive(seed, "client", clientId, life),
        log,
      },
      aborter.signal,
    ).then(
      async (end) => {
        if (!mine.isAlive()) return;
        await link.close();
        trace.note(
          clientId,
          end.kind === "finished" ? "is told that the run is over" : `is turned away: ${end.refusal.code}`,
        );
        isDone = end.kind === "finished";
        ended();
        if (!isDone) time.after(RESTART_MS, start);
      },
      (error: Error) => {
        if (!mine.isAlive()) return;
        trace.note(clientId, `ends: ${error.name} ${error.message}`);
        ended();
        time.after(RESTART_MS, start);
      },
    );
  };

  return {
    clientId,
    start,
    process: () => process,
    disk,
    damage: () => {
      if (process !== null) return;
      disk.replace(STATE_FILE, (bytes) => {
        const state = decodeState(bytes);
        const { history, params } = state.held;
        if (history === null) return bytes;
        auditor.clientDamaged(clientId);
        return encodeState({ ...state, held: { ...state.held, history: another(history, params) } });
      });
    },
    leap: (ms) => leap(ms),
    isDone: () => isDone,
    letGo: () => {
      process?.kill();
      for (const one of aborters) one.abort();
    },
    crash: (withMachine, downMs) => {
      if (process === null) return;
      trace.note(clientId, withMachine ? "loses power" : "is killed");
      process.kill();
      disk.died(process);
      process = null;
      if (withMachine) disk.loseUnflushed();
      time.after(downMs, start);
    },
  };
}

/** The auditor sees what goes to the disk, and what comes from there. */
function audited(disk: Disk, auditor: Auditor, clientId: string): StateStore {
  let newest: Uint8Array | null = null;
  const watched: Disk = {
    ...disk,
    read: async (name) => {
      newest = await disk.read(name);
      return newest;
    },
    write: (name, bytes) => {
      newest = bytes;
      auditor.clientSaving(clientId, bytes);
      return disk.write(name, bytes);
    },
  };
  const store = diskStore(watched);
  const holds = (): void => {
    if (newest !== null) auditor.clientHolds(clientId, newest);
  };
  return {
    load: async () => {
      const state = await store.load();
      holds();
      return state;
    },
    save: async (state) => {
      await store.save(state);
      holds();
    },
  };
}

/** Of the same version, as if all of the model had been broadcast once. */
function another(history: History, params: Params): History {
  const sent = [...params].map(
    ([name, { data }]) => [name, { length: data.length, support: null, values: data }] as const,
  );
  return { ...foldHistory(history, new Map(sent)), version: history.version };
}

const copyOf = (params: Params): Params =>
  new Map([...params].map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]));

function lineOf(event: ClientEvent): string {
  switch (event.type) {
    case "task":
      return `task of round ${event.round}, version ${event.version}`;
    case "trained":
      return `trained for round ${event.round}`;
    case "receipt":
      return `round ${event.round}: ${event.receipt.kind === "accepted" ? "receipt" : `refused, ${event.receipt.refusal.code}`}`;
    case "verdict":
      return `round ${event.verdict.report.round}: ${event.verdict.outcome}`;
    case "caught-up":
      return `holds version ${event.version}`;
    case "link-lost":
      return `link lost: ${event.detail}`;
    case "download-damaged":
      return `a damaged download: ${event.detail}`;
    case "turned-away":
      return `turned away: ${event.refusal.code}`;
    default:
      return event.type;
  }
}
