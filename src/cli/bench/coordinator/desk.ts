import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseConfig } from "../../../coordinator/config/config.ts";
import { type Coordinator, openCoordinator } from "../../../coordinator/coordinator.ts";
import { type GrpcServer, serveGrpc } from "../../../coordinator/grpc/grpc.ts";
import { coordinatorOptions } from "../../../coordinator/options.ts";
import { roundHistory } from "../../../simulation/history.ts";
import { recorder } from "../../../simulation/recorder.ts";
import { nodeDisk } from "../../node-disk.ts";
import { wallClock } from "../../wall-clock.ts";
import { answerQuestions } from "./worker.ts";

export interface DeskOptions {
  /** For its journal and its events; a new one. */
  readonly folder: string;
  /** float32 coordinates of the model, all of which a report carries. */
  readonly params: number;
  /** Reports that make a version. */
  readonly goal: number;
  /** Clients at work at one time, of which nobody waits for anybody; null: rounds of `goal` clients. */
  readonly concurrency: number | null;
  readonly maxConnections: number;
  /** What a report may have on the way, in bytes; left out: what the coordinator grants by itself. */
  readonly windowBytes?: number;
}

export interface Usage {
  /** After garbage has been collected. */
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Outside of V8's heap, but of its objects: buffers. */
  readonly externalBytes: number;
  readonly cpuMs: number;
  readonly version: number;
  /** Of all TCP sockets of this machine, in the kernel; null where it does not tell. */
  readonly kernelSocketBytes: number | null;
}

/** The coordinator as `fedpress coordinator` runs it, but for data to measure the model on. */
export type Desk = {
  readonly open: (options: DeskOptions) => Promise<{ readonly port: number }>;
  readonly version: (argument: null) => number;
  /** Live sessions. */
  readonly clients: (argument: null) => number;
  readonly usage: (argument: null) => Promise<Usage>;
};

export function coordinatorRole(): Promise<void> {
  let coordinator: Coordinator | null = null;
  let server: GrpcServer | null = null;
  const version = (): number => coordinator?.book.held().version ?? 0;
  const desk: Desk = {
    open: async (options) => {
      ({ coordinator, server } = await open(options));
      return { port: server.port };
    },
    version,
    clients: () => server?.numClients() ?? 0,
    usage: async () => {
      for (let turn = 0; turn < 3; turn++) {
        globalThis.gc!();
        await pause(20);
      }
      const { rss, heapUsed, external } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      return {
        rssBytes: rss,
        heapBytes: heapUsed,
        externalBytes: external,
        cpuMs: (user + system) / 1000,
        version: version(),
        kernelSocketBytes: kernelSocketBytes(),
      };
    },
  };
  return answerQuestions(desk, async () => {
    coordinator?.stop("the bench is over");
    await server?.close(0);
  });
}

async function open({ folder, params, goal, concurrency, maxConnections, windowBytes }: DeskOptions) {
  const config = parseConfig({
    name: "bench",
    rounds: 1_000_000,
    model: { zoo: "bench", checkpoint: "bench" }, // so that version 0 travels as a checkpoint
    uplink: [{ tensors: "*", codec: { select: "all", values: "float32" }, errorFeedback: false }],
    cohort: { goal, overSelection: 1, concurrency, maxStaleness: concurrency === null ? 0 : 10_000 },
    coordinator: { listen: "127.0.0.1:0", stateDir: join(folder, "state") },
  });
  const initial = new Map([["w", { shape: [params], data: new Float32Array(params) }]]);
  const clock = wallClock();
  const telemetry = recorder({
    runId: "bench",
    file: join(folder, "events.jsonl"),
    resumed: false,
    nats: null,
    also: [roundHistory().sink],
    now: clock.now,
    log: () => {},
  });
  const coordinator = await openCoordinator(coordinatorOptions(config, initial, "bench", null), {
    disk: nodeDisk(config.coordinator.stateDir),
    clock,
    emit: telemetry.emit,
    evaluate: async () => null,
  });
  coordinator.finished.catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  });
  const server = await serveGrpc(coordinator.service, {
    listen: config.coordinator.listen,
    limits: { maxConnections, ...(windowBytes !== undefined && { windowBytes }) },
  });
  return { coordinator, server };
}

/** Linux counts pages of all sockets together. */
function kernelSocketBytes(): number | null {
  try {
    const pages = /^TCP:.* mem (\d+)/m.exec(readFileSync("/proc/net/sockstat", "utf8"))?.[1];
    return pages === undefined ? null : Number(pages) * 4096;
  } catch {
    return null;
  }
}
