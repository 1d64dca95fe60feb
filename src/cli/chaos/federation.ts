import { setTimeout as pause } from "node:timers/promises";
import { type FaultChange, type FaultProxy, faultProxy } from "../../simulation/proxy/fault-proxy.ts";
import type { Summary } from "../../simulation/summary.ts";
import { contradictions, type Heard, type HeardVerdict } from "./audit.ts";
import type { Process } from "./process.ts";
import { refold } from "./refold.ts";
import { clientIdOf, newSetting, type SettingOptions } from "./setting.ts";

/** A coordinator and its clients as processes, each client behind a fault proxy of its own, and all that they say. */
export interface Federation {
  readonly proxies: readonly FaultProxy[];
  /** Versions made so far, by the coordinator's own account. */
  readonly version: () => number;
  /** HOST:PORT of the coordinator itself, with no proxy between. */
  readonly address: () => string;
  readonly killCoordinator: () => Promise<void>;
  /** Resolves when it has died at the failpoint that it was started with; an end without is a problem. */
  readonly coordinatorDied: () => Promise<void>;
  /** Also checks what the journal that was left behind holds. Null when it comes to its failpoint before it listens. */
  readonly restartCoordinator: (failpoint?: string) => Promise<Recovery | null>;
  readonly killClient: (index: number) => Promise<void>;
  readonly clientDied: (index: number) => Promise<void>;
  /** Resolves once it has its data and goes to work, or has died. */
  readonly restartClient: (index: number, failpoint?: string) => Promise<void>;
  /** Receipts that the clients were given so far. */
  readonly receipts: () => number;
  /** Whether the coordinator that runs now has said that, or does in time. */
  readonly coordinatorSaid: (pattern: RegExp, timeoutMs: number) => Promise<boolean>;
  /** Called with every line of the coordinator. */
  readonly onCoordinatorLine: (listener: (line: string) => void) => void;
  /** Waits until all have ended, and checks what they say against the journal. */
  readonly conclude: (timeoutMs: number) => Promise<Conclusion>;
  /** What contradicts what, so far. */
  readonly problems: () => readonly string[];
  readonly folder: string;
  /** Kills what is left. */
  readonly close: () => Promise<void>;
}

/** Of a coordinator, from its start. */
export interface Recovery {
  readonly listeningMs: number;
  /** Until it took the first check-in, which takes a client that has noticed; null: none within a minute. */
  readonly checkInMs: number | null;
}

export interface Conclusion {
  readonly summary: Summary | null;
  /** All bytes that passed, by the proxies' count. */
  readonly wire: { readonly up: number; readonly down: number };
  /** The same by the coordinator's count, of its last process. */
  readonly socketBytes: { readonly received: number; readonly sent: number } | null;
  readonly digest: string | null;
  readonly receipts: number;
  readonly abandoned: number;
}

const PATIENCE_MS = 60_000;
const atFailpoint = (process: Process): boolean =>
  process.lines().some((line) => line.startsWith("failpoint "));

/** Until a process comes to its failpoint. */
const DEATH_MS = 120_000;

/**
 * Where no connection was broken, both ends must have counted the same; on a long link, but for so many bytes of farewell
 * a direction that were on their way when the coordinator ended.
 */
export function miscounted({ wire, socketBytes }: Conclusion, farewellBytes = 0): readonly string[] {
  if (socketBytes === null) return [];
  const { received, sent } = socketBytes;
  const apart = Math.max(Math.abs(received - wire.up), Math.abs(sent - wire.down));
  if (apart <= farewellBytes) return [];
  return [
    `the coordinator counted ${received} bytes up and ${sent} down, the wire carried ${wire.up} and ${wire.down}`,
  ];
}

export interface FederationOptions extends SettingOptions {
  readonly faults?: FaultChange;
  /** Where lives of the coordinator die, one after the other, that come before the clients and before it listens. */
  readonly early?: readonly string[];
  /** Where the first life dies that listens. */
  readonly failpoint?: string;
  /** When it aborts, `conclude` waits no more, and how processes end says nothing. */
  readonly signal: AbortSignal;
}

export async function startFederation(options: FederationOptions): Promise<Federation> {
  const { signal } = options;
  const setting = newSetting(options);
  const problems: string[] = [];
  const receipts: Heard[] = [];
  const verdicts: HeardVerdict[] = [];
  const listeners: ((line: string) => void)[] = [];
  let version = 0;
  let abandoned = 0;
  let port = 1; // nobody listens there
  let isClosing = false;

  const expectExit = (name: string, process: Process): void => {
    void process.exit.then((code) => {
      if (code === null || code === 0 || isClosing || signal.aborted) return;
      problems.push(`${name} ended with ${code}: ${process.lines().slice(-3).join(" | ")}`);
    });
  };
  const hearCoordinator = (line: string): void => {
    const made = /^round +\d+\/\d+ +v(\d+)/.exec(line);
    if (made !== null) version = Number(made[1]);
    if (/abandoned/.test(line)) abandoned++;
    for (const listener of listeners) listener(line);
  };
  const hearClient = (index: number) => (line: string) => {
    const clientId = clientIdOf(index);
    const receipt = /^round (\d+): report of .* journaled/.exec(line);
    if (receipt !== null) receipts.push({ clientId, round: Number(receipt[1]) });
    const verdict = /^round (\d+): report (folded|dropped|refused)(?: into version (\d+))?$/.exec(line);
    if (verdict === null) return;
    const [, round, outcome, into] = verdict;
    const folded = into === undefined ? null : Number(into);
    verdicts.push({ clientId, round: Number(round), outcome: outcome!, version: folded });
  };
  const startCoordinator = (failpoint?: string): Process => {
    const process = setting.coordinator({ onLine: hearCoordinator, ...(failpoint && { failpoint }) });
    expectExit("the coordinator", process);
    return process;
  };
  const startClient = (index: number, failpoint?: string): Process => {
    const process = setting.client(index, proxies[index]!.address, {
      onLine: hearClient(index),
      ...(failpoint && { failpoint }),
    });
    expectExit(clientIdOf(index), process);
    return process;
  };
  const died = async (name: string, process: Process): Promise<void> => {
    const code = await Promise.race([process.exit, pause(DEATH_MS, "late" as const, { ref: false })]);
    if (signal.aborted || (code === null && atFailpoint(process))) return;
    const how = code === "late" ? `lives after ${DEATH_MS / 1000} s` : `ended with ${code}`;
    problems.push(
      `${name} ${how} and has not come to its failpoint: ${process.lines().slice(-3).join(" | ")}`,
    );
  };
  /** What every client has heard up to a moment must be in what the disk held at that moment. */
  const check = async (copy: string, heard: { receipts: Heard[]; verdicts: HeardVerdict[] }) => {
    try {
      const refolded = await refold(setting.configFile, copy);
      problems.push(...contradictions(refolded.records, heard, refolded.start));
      return refolded;
    } catch (error) {
      problems.push(`the journal cannot be folded: ${(error as Error).message} (${copy})`);
      return null;
    }
  };

  const proxies: FaultProxy[] = [];
  for (let i = 0; i < options.clients; i++)
    proxies.push(
      await faultProxy({
        target: () => port,
        seed: options.seed + i,
        ...(options.faults && { faults: options.faults }),
      }),
    );
  for (const failpoint of options.early ?? []) await died("the coordinator", startCoordinator(failpoint));
  let coordinator = startCoordinator(options.failpoint);
  const listening = async (): Promise<number | null> => {
    const match = await coordinator.said(/listening on [^ ]*:(\d+)/, PATIENCE_MS);
    if (match === null && atFailpoint(coordinator)) return null;
    if (match === null) throw new Error(`the coordinator does not start: ${coordinator.lines().join(" | ")}`);
    port = Number(match[1]);
    return performance.now() - coordinator.startedMs;
  };
  const clients: Process[] = [];
  const close = async (): Promise<void> => {
    isClosing = true;
    await Promise.all([coordinator, ...clients].map((process) => process.kill()));
    for (const proxy of proxies) await proxy.close();
    if (problems.length === 0 || signal.aborted) setting.remove(); // nobody is told of what an interrupted one found
  };
  try {
    await listening();
  } catch (error) {
    problems.push((error as Error).message);
    await close();
    throw error;
  }
  for (const index of proxies.keys()) clients.push(startClient(index));

  return {
    proxies,
    folder: setting.folder,
    version: () => version,
    problems: () => problems,
    onCoordinatorLine: (listener) => void listeners.push(listener),
    address: () => `127.0.0.1:${port}`,
    receipts: () => receipts.length,
    coordinatorSaid: async (pattern, timeoutMs) => (await coordinator.said(pattern, timeoutMs)) !== null,
    killCoordinator: () => coordinator.kill(),
    coordinatorDied: () => died("the coordinator", coordinator),
    restartCoordinator: async (failpoint) => {
      const heard = { receipts: [...receipts], verdicts: [...verdicts] };
      const copy = setting.copyOfState();
      coordinator = startCoordinator(failpoint);
      const listeningMs = await listening();
      const joined = listeningMs === null ? null : await coordinator.said(/^\+ /, PATIENCE_MS);
      const checkInMs = joined === null ? null : performance.now() - coordinator.startedMs;
      await check(copy, heard); // not while the time is taken
      if (listeningMs === null || (joined === null && atFailpoint(coordinator))) return null;
      return { listeningMs, checkInMs };
    },
    killClient: (index) => clients[index]!.kill(),
    clientDied: (index) => died(clientIdOf(index), clients[index]!),
    restartClient: async (index, failpoint) => {
      clients[index] = startClient(index, failpoint);
      await clients[index].said(/^client /, PATIENCE_MS);
    },
    conclude: async (timeoutMs) => {
      const all = Promise.all([coordinator, ...clients].map(({ exit }) => exit));
      const patienceMs = problems.length > 0 ? 0 : timeoutMs; // what is wrong already may never end
      const late = pause(patienceMs, null, { ref: false, signal }).catch(() => null);
      if ((await Promise.race([all, late])) === null && !signal.aborted && patienceMs > 0)
        problems.push(
          `the run has not finished after ${timeoutMs / 1000} s: version ${version} of ${options.rounds}`,
        );
      const text = coordinator.hasEnded() ? coordinator.stdout() : "";
      const summary: Summary | null = text === "" ? null : JSON.parse(text);
      const refolded = await check(setting.copyOfState(), { receipts, verdicts });
      if (summary !== null && refolded !== null && summary.model.digest !== refolded.digest)
        problems.push(`the run came to ${summary.model.digest}, its journal folds to ${refolded.digest}`);
      const wire = { up: 0, down: 0 };
      for (const { up, down } of proxies.flatMap((proxy) => proxy.connections())) {
        wire.up += up.delivered;
        wire.down += down.delivered;
      }
      const socketBytes = summary === null ? null : setting.socketBytes();
      return {
        summary,
        wire,
        socketBytes,
        digest: refolded?.digest ?? null,
        receipts: receipts.length,
        abandoned,
      };
    },
    close,
  };
}
