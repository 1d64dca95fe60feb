import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Config } from "../coordinator/config.ts";
import { loadFederated } from "../data/source.ts";
import { ConfigError } from "../model/error.ts";
import type { Params } from "../model/tensor.ts";
import { evaluator } from "../pipeline/evaluate.ts";
import type { TelemetryEvent, TelemetryRecord } from "../telemetry/event.ts";
import { trainerPool } from "../trainer/pool.ts";
import {
  type Federated,
  type Summary,
  shipStudent,
  summarise,
  writeModel,
  writeReport,
} from "./artefacts.ts";
import { federate } from "./federate.ts";
import { roundHistory } from "./history.ts";
import { recorder } from "./recorder.ts";

export interface SimulateOptions {
  readonly config: Config;
  readonly runId: string;
  /** The run folder; made when missing. */
  readonly directory: string;
  readonly initial: Params;
  /** Runs the same config again with dense float32 both ways. */
  readonly baseline: boolean;
  /** Follows along, such as the terminal. */
  readonly follow: (record: TelemetryRecord, which: Which) => void;
  readonly progress: (line: string) => void;
}

type Which = "run" | "baseline";
type Shared = Pick<Parameters<typeof federate>[0], "clients" | "evaluate" | "trainer">;

/** Runs a config on this machine and leaves a run folder: config, events, model, student and report. */
export async function simulate(options: SimulateOptions, signal: AbortSignal): Promise<Summary> {
  const startedMs = performance.now();
  const { config, directory } = options;
  if (config.data === null)
    throw new ConfigError([
      { path: "data", value: null, expected: "a data section: a simulation makes its clients from it" },
    ]);
  const { clients, test, transfer } = await loadFederated(config.data, config.clients, config.seed);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "config.yaml"), stringify(config));

  const trainer = await trainerPool(config.workers || availableParallelism());
  try {
    const shared: Shared = { clients, trainer, evaluate: evaluator(trainer, config.model.zoo, test) };
    const run = await recordedRun("run", config, options, shared, signal);
    writeModel(run);
    const { emit } = run;
    const student = await shipStudent(
      run,
      { trainer, test, transfer, emit, progress: options.progress },
      signal,
    );
    await run.finish();

    let baseline: Awaited<ReturnType<typeof recordedRun>> | null = null;
    if (options.baseline) {
      baseline = await recordedRun("baseline", denseConfig(config), options, shared, signal);
      await baseline.finish();
    }
    const summary = summarise(run, {
      clients: clients.length,
      baseline: baseline && {
        accuracy: baseline.outcome.metrics?.accuracy ?? null,
        bytes: baseline.coordinator.bytes.totals(),
      },
      student,
      wallMs: Math.round(performance.now() - startedMs),
    });
    const { rounds, stages } = run.history;
    writeReport(run, summary, { rounds: rounds(), stages: stages() }, baseline?.history.rounds() ?? null);
    return summary;
  } finally {
    await trainer.close();
  }
}

/** One federation with its telemetry in the run folder. */
async function recordedRun(
  which: Which,
  config: Config,
  { runId, directory, initial, follow, progress }: SimulateOptions,
  shared: Shared,
  signal: AbortSignal,
) {
  const history = roundHistory();
  let nowMs = 0;
  const { emit, close } = recorder({
    runId,
    file: join(directory, which === "run" ? "events.jsonl" : "baseline-events.jsonl"),
    resumed: false,
    nats: which === "run" ? config.telemetry.nats : null,
    also: [history.sink, { emit: (record) => follow(record, which), close: async () => {} }],
    now: () => nowMs,
    log: progress,
  });
  const at = (event: TelemetryEvent, atMs: number): void => {
    nowMs = atMs;
    emit(event);
  };
  const federated = await federate({ config, runId, initial, ...shared, emit: at }, signal);
  const { coordinator, outcome } = federated;
  const finish = async (): Promise<void> => {
    const { version } = coordinator.book.held();
    const { outcome: how, detail } = outcome;
    emit({
      type: "run.finished",
      outcome: how,
      detail,
      version,
      bytes: coordinator.bytes.totals(),
      socketBytes: null,
    });
    await close();
  };
  if (outcome.outcome !== "done") {
    await finish();
    throw outcome.outcome === "interrupted" ? signal.reason : new Error(outcome.detail);
  }
  const run: Federated = { config, ...federated, directory };
  return { ...run, history, emit, finish };
}

/** The same run as others send it: float32 tensors, both ways. */
function denseConfig(config: Config): Config {
  const dense: Config["uplink"] = [
    { tensors: "*", codec: { select: "all", values: "float32" }, errorFeedback: false },
  ];
  return { ...config, uplink: dense, downlink: dense };
}
