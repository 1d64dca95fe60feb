import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import picocolors from "picocolors";
import { stringify } from "yaml";
import type { Config } from "../coordinator/config/config.ts";
import {
  CONFIRM_EVERY_MS,
  type Coordinator,
  type Outcome,
  openCoordinator,
} from "../coordinator/coordinator.ts";
import { type GrpcServer, serveGrpc } from "../coordinator/grpc/grpc.ts";
import { coordinatorOptions } from "../coordinator/options.ts";
import { loadHoldout } from "../data/source.ts";
import { evaluator } from "../pipeline/evaluate.ts";
import {
  type Federated,
  type ShipOptions,
  shipStudent,
  summarise,
  widthFigures,
  writeModel,
  writeReport,
} from "../simulation/artefacts.ts";
import { withCleanup } from "../simulation/cleanup.ts";
import { roundHistory } from "../simulation/history.ts";
import { recorder } from "../simulation/recorder.ts";
import type { TelemetryEvent, TelemetryRecord } from "../telemetry/event.ts";
import { progress } from "../telemetry/progress.ts";
import { parseRecord } from "../telemetry/schema.ts";
import type { TelemetrySink } from "../telemetry/sink.ts";
import { isSeeded } from "../trainer/blueprint.ts";
import type { EngineChoice } from "../trainer/choice.ts";
import { trainerPool } from "../trainer/pool.ts";
import { subModels } from "../trainer/submodels.ts";
import { loadConfig } from "./config-file.ts";
import { controlPath, serveControl } from "./control-socket.ts";
import { Interrupted, interruptible } from "./exit.ts";
import { fatalDisk, fatalService } from "./failpoint/coordinator.ts";
import { failpointOf } from "./failpoint/failpoint.ts";
import { initialModel } from "./initial.ts";
import { lockFolder } from "./lock.ts";
import { loadModels } from "./models.ts";
import { nodeDisk } from "./node-disk.ts";
import { collect, engineOption, integer, newRunId } from "./options.ts";
import { describe } from "./simulate.ts";
import { wallClock } from "./wall-clock.ts";

interface Options {
  readonly set: readonly string[];
  readonly seed?: number;
  readonly data?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly engine: EngineChoice;
}

/** How long clients have, after the end, to come back and hear of it: a little more than their longest backoff. */
const FAREWELL_MS = 35_000;

export const coordinatorCommand = (): Command =>
  new Command("coordinator")
    .description("run a coordinator over gRPC; a restarted one goes on from its journal")
    .argument("<file>", "the run's config, YAML; see `fedpress schema`")
    .option("--set <a.b=value>", "override one setting; may be repeated", collect, [])
    .option("--seed <n>", "override the seed", integer)
    .option("--data <dir>", "where the files and folders of the config's data section are")
    .option("--out <dir>", "the run folder (default: runs/<run id>)")
    .addOption(engineOption())
    .option("--json", "print one JSON summary on stdout, nothing else")
    .action((file: string, options: Options) =>
      coordinate(loadConfig(file, options), options, interruptible()),
    );

const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const coordinate = (named: Config, options: Options, interrupt: AbortSignal): Promise<void> =>
  withCleanup(async (defer) => {
    const { config, models } = await loadModels(named);
    const operator = new AbortController();
    const signal = AbortSignal.any([interrupt, operator.signal]);
    const failpoint = failpointOf("coordinator");
    const initial = initialModel(config, models);
    defer(lockFolder(config.coordinator.stateDir, "coordinator.stateDir"));
    const { test, transfer } =
      config.data === null ? { test: null, transfer: null } : await loadHoldout(config.data, config.seed);
    // Only data needs a trainer: a coordinator without any stays small.
    const trainer =
      config.data === null ? null : await trainerPool(1, { engine: options.engine, own: models.own });
    if (trainer) defer(trainer.close);
    const clock = wallClock();
    const early = earlyEvents();
    const engine = trainer?.engine ?? null;
    const parts = subModels(config.model.zoo, config.widths, config.train.batchSize);
    const runOptions = coordinatorOptions(
      config,
      initial,
      newRunId(config.name),
      engine,
      parts,
      isSeeded(config, models),
    );
    const { stateDir } = config.coordinator;
    const stateDisk = nodeDisk(stateDir);
    const coordinator = await openCoordinator(runOptions, {
      disk: failpoint ? fatalDisk(stateDisk, stateDir, failpoint) : stateDisk,
      clock,
      emit: early.emit,
      evaluate: trainer ? evaluator(trainer, config.model.zoo, test) : async () => null,
      opening: signal,
    });
    const stop = async (): Promise<void> => {
      coordinator.stop("interrupted");
      await coordinator.finished.catch(() => {});
    };
    defer(stop);
    defer(confirming(coordinator));
    const byOperator = () => operator.abort(new Interrupted("stopped by an operator"));
    defer(await controlled(config.coordinator.stateDir, coordinator, byOperator));

    const directory = options.out ?? join("runs", coordinator.runId);
    const disk = nodeDisk(directory);
    await disk.write("config.yaml", new TextEncoder().encode(stringify(config)));
    const history = roundHistory();
    const file = join(directory, "events.jsonl");
    const before = earlierRecords(file);
    for (const record of before) history.sink.emit(record);
    const { emit, close } = recorder({
      runId: coordinator.runId,
      file,
      resumed: before.length > 0,
      nats: config.telemetry.nats,
      also: [history.sink, terminal()],
      now: clock.now,
      log,
    });
    early.to(emit);
    let end: Pick<Outcome, "outcome" | "detail"> = { outcome: "interrupted", detail: "interrupted" };
    let server: GrpcServer | null = null;
    defer(async () => {
      const { version } = coordinator.book.held();
      const socketBytes = server?.socketBytes() ?? null;
      emit({ type: "run.finished", ...end, version, bytes: coordinator.bytes.totals(), socketBytes });
      await close();
    });

    try {
      const service = failpoint ? fatalService(coordinator.service, failpoint) : coordinator.service;
      server = await serveGrpc(service, grpcOptions(config));
      const { address, close: closeServer } = server;
      defer(() => closeServer(1000));
      defer(stop); // before the server ends its streams, so that it is not taken for clients leaving
      log(`run ${coordinator.runId}: listening on ${address}, run folder ${directory}`);
      signal.addEventListener("abort", () => void stop(), { once: true });
      if (signal.aborted) await stop();

      const outcome = await coordinator.finished;
      if (outcome.outcome === "interrupted") throw signal.reason;
      if (outcome.outcome === "done") {
        const federated: Federated = { config, coordinator, outcome, directory, disk };
        const parts = trainer && { trainer, models, test, transfer, emit, progress: log };
        await conclude(federated, parts, history, options, clock.now(), signal);
      }
      await farewell(coordinator, server, signal);
      end = { outcome: outcome.outcome, detail: outcome.detail };
      if (outcome.outcome === "failed") throw new Error(outcome.detail);
    } catch (error) {
      if (error !== signal.reason) end = { outcome: "failed", detail: (error as Error).message };
      throw error;
    }
  });

/** Looks again and again whether the run is still this process's; one at a time, a disk may hang. */
function confirming({ confirm }: Coordinator): () => void {
  let timer: NodeJS.Timeout;
  let isOver = false;
  const next = (): void => {
    if (!isOver) timer = setTimeout(() => void confirm().then(next), CONFIRM_EVERY_MS);
  };
  next();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/** A run goes on without its control socket where there can be none. */
async function controlled(
  folder: string,
  coordinator: Coordinator,
  stop: () => void,
): Promise<() => Promise<void>> {
  try {
    const path = controlPath(folder);
    if (path === null) throw new Error("the path of coordinator.stateDir is too long for one");
    return (await serveControl(path, coordinator, stop)).close;
  } catch (error) {
    log(`no control socket: ${(error as Error).message}`);
    return async () => {};
  }
}

async function conclude(
  federated: Federated,
  parts: ShipOptions | null,
  history: ReturnType<typeof roundHistory>,
  { json }: Options,
  wallMs: number,
  signal: AbortSignal,
): Promise<void> {
  await writeModel(federated);
  const student = parts && (await shipStudent(federated, parts, signal));
  const widths = parts && (await widthFigures(federated, parts, signal));
  const clients = federated.coordinator.numClients();
  const summary = summarise(federated, {
    clients,
    baseline: null,
    engine: parts?.trainer.engine ?? null,
    widths,
    student,
    refused: history.refused(),
    wallMs: Math.round(wallMs),
  });
  await writeReport(federated, summary, { rounds: history.rounds(), stages: history.stages() }, null);
  process.stdout.write(json ? `${JSON.stringify(summary)}\n` : `${describe(summary, federated.directory)}\n`);
}

/**
 * Waits until the clients have heard of the end and gone, but not for ever. Who they are is not known after a restart:
 * then all have the whole time. Ctrl-C cuts it short.
 */
async function farewell(
  { numUntold, resumedFinished }: Coordinator,
  server: GrpcServer,
  signal: AbortSignal,
): Promise<void> {
  const end = performance.now() + FAREWELL_MS;
  const somebodyMissing = () => resumedFinished || numUntold() > 0 || server.numClients() > 0;
  if (numUntold() > 0 || resumedFinished) log("waiting for clients that have not heard of the end");
  while (somebodyMissing() && performance.now() < end && !signal.aborted)
    await new Promise((wake) => setTimeout(wake, 50));
}

/** What this run reported before a restart, for the report; lines that a crash cut are left out. */
function earlierRecords(file: string): readonly TelemetryRecord[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.map((line) => parseRecord(new TextEncoder().encode(line))).filter((record) => record !== null);
}

function terminal(): TelemetrySink {
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
      if (target !== null) return target(event);
      early.push(event);
      if (event.type === "coordinator.stalled")
        log(`waiting for room on the disk of ${event.folder} (${event.detail})`);
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
    uploadBytes: coordinator.limits.uploadBytes,
    uploadAgeMs: coordinator.limits.uploadAge,
    sessionsPerSecond: coordinator.limits.sessions,
    keepaliveMs: Math.max(1, coordinator.lease / 2),
  },
});
