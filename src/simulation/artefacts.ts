import { join } from "node:path";
import { stringify } from "yaml";
import type { Config } from "../coordinator/config/config.ts";
import type { Coordinator, Outcome } from "../coordinator/coordinator.ts";
import type { Dataset } from "../model/dataset.ts";
import type { Disk } from "../model/disk.ts";
import { numParams } from "../model/manifest.ts";
import { measureWidths } from "../pipeline/evaluate.ts";
import { shipper } from "../pipeline/ship.ts";
import type { TelemetryEvent } from "../telemetry/event.ts";
import type { Models } from "../trainer/blueprint.ts";
import type { Trainer } from "../trainer/trainer.ts";
import { encodeFrame } from "../wire/frame.ts";
import type { RoundPoint, Stage } from "./history.ts";
import { type ReportInput, renderReport } from "./report.ts";
import type { Summary } from "./summary.ts";

/** A federation that has ended, simulated or real. */
export interface Federated {
  readonly config: Config;
  readonly coordinator: Coordinator;
  readonly outcome: Outcome;
  /** The run folder, and its files. */
  readonly directory: string;
  readonly disk: Disk;
}

/** The global model as a checkpoint file. */
export const writeModel = ({ coordinator, disk }: Federated): Promise<void> =>
  disk.write("model.fpz", encodeFrame({ kind: "checkpoint", ...coordinator.book.model() }));

export interface ShipOptions {
  readonly trainer: Trainer;
  readonly models: Models;
  readonly test: Dataset | null;
  readonly transfer: Dataset | null;
  readonly emit: (event: TelemetryEvent) => void;
  readonly progress: (line: string) => void;
}

/** Distills, writes and measures the student; null when the config asks for none. */
export async function shipStudent(
  { config, coordinator, directory, disk }: Federated,
  { trainer, models, test, transfer, emit, progress }: ShipOptions,
  signal: AbortSignal,
): Promise<Summary["student"]> {
  if (config.distill === null || test === null || transfer === null) return null;
  const { model: source, seed } = config;
  const settings = { ...config.distill, student: models.blueprint(config.distill.student).name };
  const ship = shipper({
    trainer,
    models,
    architecture: source.zoo,
    settings,
    transfer,
    test,
    seed,
    disk,
    progress,
  });
  const { book } = coordinator;
  const {
    name,
    numParams: count,
    bytes,
    accuracy,
    auc,
  } = await ship(book.model(), book.lastClientModels(), signal);
  const student = { path: join(directory, name), numParams: count, bytes, accuracy };
  emit({ type: "student.shipped", ...student });
  return { ...student, auc };
}

/** What the narrow versions of the model are good for; null when everybody had the whole of it. */
export const widthFigures = async (
  { config, coordinator }: Federated,
  { trainer, test }: Pick<ShipOptions, "trainer" | "test">,
  signal: AbortSignal,
): Promise<Summary["widths"]> => {
  const { widths, model } = config;
  if (test === null || widths.every((width) => width === 1)) return null;
  const { params } = coordinator.book.model();
  return measureWidths(trainer, { zoo: model.zoo, widths, params, test }, signal);
};

export function summarise(
  { config, coordinator, outcome }: Federated,
  rest: Pick<Summary, "clients" | "engine" | "widths" | "baseline" | "student" | "refused" | "wallMs">,
): Summary {
  const { version, digest } = coordinator.book.held();
  const count = numParams(coordinator.book.manifest);
  return {
    runId: coordinator.runId,
    seed: config.seed,
    rounds: version,
    clients: rest.clients,
    model: { name: config.model.zoo, numParams: count, denseBytes: 4 * count, version, digest },
    accuracy: outcome.metrics?.accuracy ?? null,
    loss: outcome.metrics?.loss ?? null,
    auc: outcome.metrics?.auc ?? null,
    bytes: coordinator.bytes.totals(),
    widths: rest.widths,
    baseline: rest.baseline,
    student: rest.student,
    engine: rest.engine,
    refused: rest.refused,
    wallMs: rest.wallMs,
  };
}

/** `summary.json` and `report.html`. */
export async function writeReport(
  { config, disk }: Federated,
  summary: Summary,
  history: { readonly rounds: readonly RoundPoint[]; readonly stages: readonly Stage[] },
  baselineRounds: readonly RoundPoint[] | null,
  dealt: ReportInput["dealt"] = null,
): Promise<void> {
  const text = (content: string) => new TextEncoder().encode(content);
  await disk.write("summary.json", text(`${JSON.stringify(summary, null, 2)}\n`));
  const html = renderReport({
    title: config.name,
    summary,
    ...history,
    baselineRounds,
    dealt,
    config: stringify(config),
  });
  await disk.write("report.html", text(html));
}
