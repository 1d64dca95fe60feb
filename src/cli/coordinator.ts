import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import picocolors from "picocolors";
import { stringify } from "yaml";
import type { Config } from "../coordinator/config.ts";
import { coordinatorOptions } from "../coordinator/contract.ts";
import { openCoordinator } from "../coordinator/coordinator.ts";
import { type GrpcServer, serveGrpc } from "../coordinator/grpc.ts";
import { loadHoldout } from "../data/source.ts";
import type { Dataset } from "../model/dataset.ts";
import { evaluator } from "../pipeline/evaluate.ts";
import { type Federated, shipStudent, summarise, writeModel, writeReport } from "../simulation/artefacts.ts";
import { roundHistory } from "../simulation/history.ts";
import { recorder } from "../simulation/recorder.ts";
import type { TelemetryEvent } from "../telemetry/event.ts";
import { formatBytes } from "../telemetry/format.ts";
import { progress } from "../telemetry/progress.ts";
import type { TelemetrySink } from "../telemetry/sink.ts";
import { trainerPool } from "../trainer/pool.ts";
import type { Trainer } from "../trainer/trainer.ts";
import { loadConfig } from "./config-file.ts";
import { interruptible } from "./exit.ts";
import { initialModel } from "./initial.ts";
import { lockFolder } from "./lock.ts";
import { nodeDisk } from "./node-disk.ts";
import { collect, integer, newRunId } from "./options.ts";
import { describe } from "./simulate.ts";
import { wallClock } from "./wall-clock.ts";

interface Options {
  readonly set: readonly string[];
  readonly seed?: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** How long clients have, after the end, to hear of it. */
const FAREWELL_MS = 10_000;

export const coordinatorCommand = (): Command =>
  new Command("coordinator")
    .description("run a coordinator over gRPC; a restarted one goes on from its journal")
    .argument("<file>", "the run's config, YAML; see `fedpress schema`")
    .option("--set <a.b=value>", "override one setting; may be repeated", collect, [])
    .option("--seed <n>", "override the seed", integer)
    .option("--out <dir>", "the run folder (default: runs/<run id>)")
    .option("--json", "print one JSON summary on stdout, nothing else")
    .action(async (file: string, options: Options) => {
      const config = loadConfig(file, options);
      const release = lockFolder(config.coordinator.stateDir, "coordinator.stateDir");
      try {
        await run(config, options, interruptible());
      } finally {
        release();
      }
    });

async function run(config: Config, options: Options, signal: AbortSignal): Promise<void> {
  const initial = initialModel(config);
  const { test, transfer } =
    config.data === null ? { test: null, transfer: null } : await loadHoldout(config.data, config.seed);
  const clock = wallClock();
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const trainer = await trainerPool(1);
  let server: GrpcServer | null = null;
  const early = earlyEvents();
  try {
    const coordinator = await openCoordinator(coordinatorOptions(config, initial, newRunId(config.name)), {
      disk: nodeDisk(config.coordinator.stateDir),
      clock,
      emit: early.emit,
      evaluate: evaluator(trainer, config.model.zoo, test),
    });
    const directory = options.out ?? join("runs", coordinator.runId);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "config.yaml"), stringify(config));
    const history = roundHistory();
    const events = join(directory, "events.jsonl");
    const { emit, close } = recorder({
      runId: coordinator.runId,
      file: events,
      resumed: existsSync(events),
      nats: config.telemetry.nats,
      also: [history.sink, terminal(log)],
      now: clock.now,
      log,
    });
    early.to(emit);

    const stop = () => coordinator.stop("interrupted");
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    server = await serveGrpc(coordinator.service, grpcOptions(config));
    log(`run ${coordinator.runId}: listening on ${server.address}, run folder ${directory}`);

    const finish = async (how: "done" | "failed" | "interrupted", detail: string): Promise<void> => {
      const { version } = coordinator.book.held();
      const socketBytes = server?.socketBytes() ?? null;
      emit({
        type: "run.finished",
        outcome: how,
        detail,
        version,
        bytes: coordinator.bytes.totals(),
        socketBytes,
      });
      await close();
    };
    try {
      const outcome = await coordinator.finished;
      if (outcome.outcome !== "done") {
        if (outcome.outcome === "failed") await farewell(server);
        await finish(outcome.outcome, outcome.detail);
        throw outcome.outcome === "interrupted" ? signal.reason : new Error(outcome.detail);
      }
      await farewell(server);
      const federated: Federated = { config, coordinator, outcome, directory };
      await conclude(
        federated,
        { trainer, test, transfer, emit },
        history,
        options,
        clock.now(),
        log,
        signal,
      );
      await finish("done", outcome.detail);
      const { received, sent } = server.socketBytes();
      log(`sockets: ${formatBytes(received)} received, ${formatBytes(sent)} sent`);
    } catch (error) {
      if (error !== signal.reason) await finish("failed", (error as Error).message);
      throw error;
    }
  } finally {
    await server?.close(1000);
    await trainer.close();
  }
}

async function conclude(
  federated: Federated,
  parts: {
    trainer: Trainer;
    test: Dataset | null;
    transfer: Dataset | null;
    emit: (event: TelemetryEvent) => void;
  },
  history: ReturnType<typeof roundHistory>,
  { json }: Options,
  wallMs: number,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  writeModel(federated);
  const student = await shipStudent(federated, { ...parts, progress: log }, signal);
  const clients = federated.coordinator.numClients();
  const summary = summarise(federated, { clients, baseline: null, student, wallMs: Math.round(wallMs) });
  writeReport(federated, summary, { rounds: history.rounds(), stages: history.stages() }, null);
  process.stdout.write(json ? `${JSON.stringify(summary)}\n` : `${describe(summary, federated.directory)}\n`);
}

/** Waits until every client has heard of the end and gone, but not for long. */
async function farewell(server: GrpcServer): Promise<void> {
  const end = performance.now() + FAREWELL_MS;
  while (server.numClients() > 0 && performance.now() < end)
    await new Promise((wake) => setTimeout(wake, 50));
}

function terminal(log: (line: string) => void): TelemetrySink {
  const lines = progress({ color: process.stderr.isTTY && picocolors.isColorSupported });
  return {
    emit: (record) => {
      for (const line of lines(record)) log(line);
    },
    close: async () => {},
  };
}

/** The run's id is known only once the journal is open: what is emitted before waits for the sinks. */
function earlyEvents() {
  const early: TelemetryEvent[] = [];
  let target: ((event: TelemetryEvent) => void) | null = null;
  return {
    emit: (event: TelemetryEvent): void => {
      if (target === null) early.push(event);
      else target(event);
    },
    to: (emit: (event: TelemetryEvent) => void): void => {
      target = emit;
      for (const event of early) emit(event);
    },
  };
}

const grpcOptions = ({ coordinator }: Config): Parameters<typeof serveGrpc>[1] => ({
  listen: coordinator.listen,
  limits: {
    frameBytes: coordinator.limits.frameBytes,
    maxConnections: coordinator.limits.clients,
    idleMs: coordinator.limits.idle,
  },
});
