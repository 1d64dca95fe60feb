import { availableParallelism } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { Config } from "../coordinator/config/config.ts";
import type { Outcome } from "../coordinator/coordinator.ts";
import { describePartition } from "../data/partition.ts";
import { loadFederated } from "../data/source.ts";
import { countsByClass } from "../model/dataset.ts";
import type { Disk } from "../model/disk.ts";
import { ConfigError, type ConfigProblem } from "../model/error.ts";
import type { Params } from "../model/tensor.ts";
import { evaluator } from "../pipeline/evaluate.ts";
import type { TelemetryEvent, TelemetryRecord } from "../telemetry/event.ts";
import type { Models } from "../trainer/blueprint.ts";
import type { EngineChoice } from "../trainer/choice.ts";
import { trainerPool } from "../trainer/pool.ts";
import {
  type Federated,
  shipStudent,
  summarise,
  widthFigures,
  writeModel,
  writeReport,
} from "./artefacts.ts";
import { withCleanup } from "./cleanup.ts";
import { type FederateOptions, federate } from "./federate.ts";
import { type RoundPoint, roundHistory } from "./history.ts";
import { recorder } from "./recorder.ts";
import type { Summary } from "./summary.ts";
import { firstAt, targetOf } from "./target.ts";
import { traceRecorder } from "./trace.ts";

export interface SimulateOptions {
  readonly config: Config;
  readonly runId: string;
  /** The run folder, and its files. */
  readonly directory: string;
  readonly disk: Disk;
  readonly initial: Params;
  readonly models: Models;
  /** Runs the same config again with dense float32 both ways. */
  readonly baseline: boolean;
  readonly engine: EngineChoice;
  /** Follows along, such as the terminal. */
  readonly follow: (record: TelemetryRecord, which: Which) => void;
  readonly progress: (line: string) => void;
  /** Takes down what the run encodes, dense: every so many rounds, from the first on. */
  readonly record?: { readonly disk: Disk; readonly everyRounds: number };
}

type Which = "run" | "baseline";
type Shared = Pick<FederateOptions, "clients" | "evaluate" | "trainer" | "trace">;

/** Runs a config on this machine and leaves a run folder: config, events, model, student and report. */
export const simulate = (options: SimulateOptions, signal: AbortSignal): Promise<Summary> =>
  withCleanup(async (defer) => {
    const startedMs = performance.now();
    const { config, disk, progress } = options;
    const { clients, test, transfer } = await loadFederated(dataOf(config), config.clients, config.seed);
    await disk.write("config.yaml", new TextEncoder().encode(stringify(config)));
    const { engine, models } = options;
    const { own } = models;
    const trainer = await trainerPool(config.workers || availableParallelism(), { engine, own });
    defer(trainer.close);
    const shared: Shared = { clients, trainer, evaluate: evaluator(trainer, config.model.zoo, test) };

    const trace = options.record && traceRecorder(config, options.initial, options.record);
    if (trace) defer(trace.close);
    const { run, student } = await recordedRun(
      "run",
      config,
      options,
      trace ? { ...shared, trace } : shared,
      signal,
      async (ended, emit) => {
        await writeModel(ended);
        return shipStudent(ended, { trainer, models, test, transfer, emit, progress }, signal);
      },
    );
    const baseline = options.baseline
      ? await recordedRun("baseline", denseConfig(config), options, shared, signal, async () => null)
      : null;
    const summary = summarise(run, {
      clients: clients.length,
      widths: await widthFigures(run, { trainer, test }, signal),
      baseline: baseline && {
        accuracy: baseline.run.outcome.metrics?.accuracy ?? null,
        auc: baseline.run.outcome.metrics?.auc ?? null,
        bytes: baseline.run.coordinator.bytes.totals(),
        target: compared(run.history.rounds(), baseline.run.history.rounds()),
      },
      student,
      engine: trainer.engine,
      refused: run.history.refused(),
      wallMs: Math.round(performance.now() - startedMs),
    });
    const { rounds, stages } = run.history;
    const dense = baseline === null ? null : baseline.run.history.rounds();
    const dealt = {
      shares: clients.map(countsByClass),
      partition: describePartition(dataOf(config).partition),
    };
    await writeReport(run, summary, { rounds: rounds(), stages: stages() }, dense, dealt);
    return summary;
  });

function compared(ours: readonly RoundPoint[], dense: readonly RoundPoint[]) {
  const accuracy = targetOf([ours, dense]);
  if (accuracy === null) return null;
  return { accuracy, ours: firstAt(ours, accuracy)!, dense: firstAt(dense, accuracy)! };
}

/** Throws ConfigError for a config that a simulation cannot make clients from. */
function dataOf({ data, clients, cohort }: Config): NonNullable<Config["data"]> {
  const fewest = cohort.minimum ?? cohort.goal;
  const problems: ConfigProblem[] = [];
  if (data === null)
    problems.push({
      path: "data",
      value: null,
      expected: "a data section: a simulation makes its clients from it",
    });
  if (clients < fewest)
    problems.push({
      path: "clients",
      value: clients,
      expected: `at least ${fewest}, the fewest reports of a round (cohort.minimum, or cohort.goal)`,
    });
  if (problems.length > 0) throw new ConfigError(problems);
  return data!;
}

interface RecordedRun extends Federated {
  readonly history: ReturnType<typeof roundHistory>;
}

/** One federation with its telemetry in the run folder; `conclude` still belongs to it. */
const recordedRun = (
  which: Which,
  config: Config,
  { runId, directory, disk, initial, models, follow, progress }: SimulateOptions,
  shared: Shared,
  signal: AbortSignal,
  conclude: (run: Federated, emit: (event: TelemetryEvent) => void) => Promise<Summary["student"]>,
): Promise<{ readonly run: RecordedRun; readonly student: Summary["student"] }> =>
  withCleanup(async (defer) => {
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
    defer(close);
    const at = (event: TelemetryEvent, atMs: number): void => {
      nowMs = atMs;
      emit(event);
    };
    const federated = await federate({ config, runId, initial, models, ...shared, emit: at }, signal);
    const { coordinator, outcome } = federated;
    let end: Pick<Outcome, "outcome" | "detail"> = outcome;
    defer(() => {
      const { version } = coordinator.book.held();
      const { outcome: how, detail } = end;
      const bytes = coordinator.bytes.totals();
      emit({ type: "run.finished", outcome: how, detail, version, bytes, socketBytes: null });
    });
    if (outcome.outcome === "interrupted") throw signal.reason;
    if (outcome.outcome === "failed") throw new Error(outcome.detail);
    const run: RecordedRun = { config, ...federated, directory, disk, history };
    try {
      return { run, student: await conclude(run, emit) };
    } catch (error) {
      const interrupted = error === signal.reason;
      end = { outcome: interrupted ? "interrupted" : "failed", detail: (error as Error).message };
      throw error;
    }
  });

/** The same run as others send it: float32 tensors, both ways. */
function denseConfig(config: Config): Config {
  const dense: Config["uplink"] = [
    { tensors: "*", codec: { select: "all", values: "float32" }, errorFeedback: false },
  ];
  return { ...config, uplink: dense, downlink: dense };
}
