import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { withCleanup } from "../../../simulation/cleanup.ts";
import { faultProxy } from "../../../simulation/proxy/fault-proxy.ts";
import type { Desk, DeskOptions, Usage } from "./desk.ts";
import type { Fleet, Reported } from "./fleet.ts";
import { startWorker, type Worker } from "./worker.ts";

/** What is measured, each with a coordinator and clients in processes of their own. */

export interface IdleFigures {
  readonly clients: number;
  /** Resident memory of the coordinator that each cost, and the part of it that is on V8's heap or in buffers. */
  readonly rssBytesEach: number;
  readonly heapBytesEach: number;
  readonly externalBytesEach: number;
  /** In the kernel, for both ends of the connection; null where it does not tell. */
  readonly kernelBytesEach: number | null;
  readonly connectSeconds: number;
  /** Of one core, while nobody does anything. */
  readonly idleCpuShare: number;
}

export async function measureIdle(clients: number): Promise<IdleFigures> {
  return await withProcesses(
    // a goal that is never there: all wait for a round
    { params: 512, goal: 2 ** 20, concurrency: null, maxConnections: clients },
    async ({ desk, fleet, address }) => {
      await fleet.ask("join", { address, clients: 1 }); // what is made once, at the first
      await present(desk, 1);
      const before = await desk.ask("usage", null);
      const began = performance.now();
      for (let joined = 1; joined < clients; ) {
        const more = Math.min(200, clients - joined);
        await fleet.ask("join", { address, clients: more });
        joined += more;
        await present(desk, joined);
      }
      const connectSeconds = (performance.now() - began) / 1000;
      await pause(IDLE_MS / 2);
      const after = await desk.ask("usage", null);
      await pause(IDLE_MS);
      const later = await desk.ask("usage", null);
      const each = (field: "rssBytes" | "heapBytes" | "externalBytes") =>
        (after[field] - before[field]) / (clients - 1);
      const [kernelBefore, kernelAfter] = [before.kernelSocketBytes, after.kernelSocketBytes];
      return {
        clients,
        rssBytesEach: each("rssBytes"),
        heapBytesEach: each("heapBytes"),
        externalBytesEach: each("externalBytes"),
        kernelBytesEach:
          kernelBefore === null || kernelAfter === null ? null : (kernelAfter - kernelBefore) / (clients - 1),
        connectSeconds,
        idleCpuShare: (later.cpuMs - after.cpuMs) / IDLE_MS,
      };
    },
  );
}

const IDLE_MS = 4000;

export interface ReportFigures {
  readonly clients: number;
  readonly frameBytes: number;
  /** Reports a second that were asked for; null: as many as it takes. */
  readonly offered: number | null;
  /** Acknowledged, which is to say on disk, a second. */
  readonly reportsPerSecond: number;
  readonly MBps: number;
  /** From the first byte of a report to its receipt. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the coordinator, a report. */
  readonly cpuMsEach: number;
}

export interface ReportOptions {
  readonly clients: number;
  readonly params: number;
  readonly goal: number;
  readonly rate: number | null;
  readonly seconds: number;
}

/** Nobody waits for anybody: a report is acknowledged, the next task is there. After a warm-up of a few seconds. */
export async function measureReports(options: ReportOptions): Promise<ReportFigures> {
  const { clients, params, goal, rate, seconds } = options;
  return await withProcesses(
    { params, goal, concurrency: Math.max(clients, goal), maxConnections: clients },
    async ({ desk, fleet, address }) => {
      await fleet.ask("join", { address, clients });
      await present(desk, clients);
      await fleet.ask("report", { rate, seconds: Math.min(3, seconds) });
      const before = await desk.ask("usage", null);
      const reported = await fleet.ask("report", { rate, seconds });
      const after = await desk.ask("usage", null);
      return { clients, offered: rate, ...figuresOf(reported, after.cpuMs - before.cpuMs) };
    },
  );
}

function figuresOf({ reports, bytes, seconds, latenciesMs }: Reported, cpuMs: number) {
  if (reports === 0) throw noReport(seconds);
  const quantile = (q: number): number => latenciesMs[Math.min(reports - 1, Math.floor(q * reports))]!;
  return {
    frameBytes: bytes / reports,
    reportsPerSecond: reports / seconds,
    MBps: bytes / 1e6 / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    cpuMsEach: cpuMs / reports,
  };
}

const noReport = (seconds: number): Error =>
  new Error(`nobody was asked for a report within ${seconds.toFixed(0)} s: give it more --seconds`);

export interface LinkFigures {
  readonly latencyMs: number;
  readonly upMBps: number;
  readonly downMBps: number;
  /** With the window of grpc-js, which is HTTP/2's own: 64 KiB. */
  readonly stockUpMBps: number;
}

/** One client with 4 MB each way over a link that takes `latencyMs` one way. */
export async function measureLink(latencyMs: number, seconds: number): Promise<LinkFigures> {
  const through = (windowBytes: number | undefined) =>
    withProcesses(
      {
        params: 2 ** 20,
        goal: 1,
        concurrency: 1,
        maxConnections: 16,
        ...(windowBytes !== undefined && { windowBytes }),
      },
      async ({ desk, fleet, port }) => {
        const proxy = await faultProxy({
          target: () => port,
          faults: { up: { latencyMs }, down: { latencyMs } },
        });
        try {
          await fleet.ask("join", { address: proxy.address, clients: 1 });
          await present(desk, 1);
          const down = await fleet.ask("fetch", 3);
          const { latenciesMs } = await fleet.ask("report", { rate: null, seconds });
          if (latenciesMs.length === 0) throw noReport(seconds);
          const meanMs = latenciesMs.reduce((sum, ms) => sum + ms, 0) / latenciesMs.length;
          return { up: (4 * 2 ** 20) / 1e3 / meanMs, down: down.bytes / 1e6 / down.seconds };
        } finally {
          await proxy.close();
        }
      },
    );
  const ours = await through(undefined);
  const stock = await through(65_535);
  return { latencyMs, upMBps: ours.up, downMBps: ours.down, stockUpMBps: stock.up };
}

export interface MemoryFigures {
  readonly clients: number;
  readonly rounds: number;
  readonly startRssBytes: number;
  readonly endRssBytes: number;
  /** Slopes of straight lines through what was measured after the warm-up. */
  readonly rssMiBPer100Rounds: number;
  readonly heapMiBPer100Rounds: number;
}

/** Rounds of all clients, after as many again to warm up; memory is looked at every tenth of them. */
export async function measureMemory(clients: number, rounds: number): Promise<MemoryFigures> {
  return await withProcesses(
    { params: 512, goal: clients, concurrency: null, maxConnections: clients },
    async ({ desk, fleet, address }) => {
      await fleet.ask("join", { address, clients });
      await present(desk, clients);
      const usages: Usage[] = [];
      let isOver = false;
      const load = (async () => {
        while (!isOver) await fleet.ask("report", { rate: null, seconds: 1 });
      })();
      const look = async (): Promise<void> => {
        for (let n = 0; n <= 10; n++) {
          const version = (usages[0]?.version ?? rounds) + (n * rounds) / 10;
          while ((await desk.ask("version", null)) < version) await pause(20);
          usages.push(await desk.ask("usage", null));
        }
        isOver = true;
      };
      await Promise.all([load, look()]);
      const slope = (field: "rssBytes" | "heapBytes"): number =>
        (slopeOf(usages.map((usage) => [usage.version, usage[field]])) * 100) / 2 ** 20;
      return {
        clients,
        rounds: usages.at(-1)!.version - usages[0]!.version,
        startRssBytes: usages[0]!.rssBytes,
        endRssBytes: usages.at(-1)!.rssBytes,
        rssMiBPer100Rounds: slope("rssBytes"),
        heapMiBPer100Rounds: slope("heapBytes"),
      };
    },
  );
}

/** Of the straight line of least squares. */
export function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const moments = points.map(([a, b]) => [(a - x) * (b - y), (a - x) ** 2] as const);
  const [above, below] = [0, 1].map((of) => moments.reduce((sum, moment) => sum + moment[of as 0 | 1], 0));
  return above! / below!;
}

interface Processes {
  readonly desk: Worker<Desk>;
  readonly fleet: Worker<Fleet>;
  readonly port: number;
  readonly address: string;
}

const withProcesses = <T>(
  options: Omit<DeskOptions, "folder">,
  measure: (processes: Processes) => Promise<T>,
): Promise<T> =>
  withCleanup(async (defer) => {
    const folder = mkdtempSync(join(tmpdir(), "fedpress-bench-"));
    defer(() => rmSync(folder, { recursive: true, force: true }));
    const args = ["bench", "coordinator"];
    const desk = startWorker<Desk>("coordinator", args);
    defer(desk.end);
    const fleet = startWorker<Fleet>("clients", args);
    defer(fleet.end);
    const { port } = await desk.ask("open", { ...options, folder });
    return await measure({ desk, fleet, port, address: `127.0.0.1:${port}` });
  });

async function present(desk: Worker<Desk>, clients: number): Promise<void> {
  const endMs = performance.now() + 60_000;
  while ((await desk.ask("clients", null)) < clients) {
    if (performance.now() > endMs) throw new Error(`${clients} clients are not there within a minute`);
    await pause(2);
  }
}
