import { join } from "node:path";
import { Command } from "commander";
import picocolors from "picocolors";
import { type SimulateOptions, simulate } from "../simulation/simulate.ts";
import type { Summary } from "../simulation/summary.ts";
import { MAX_CLIENTS } from "../simulation/trace.ts";
import { formatBytes, formatCount, formatDuration, formatPercent, formatRatio } from "../telemetry/format.ts";
import { progress } from "../telemetry/progress.ts";
import type { EngineChoice } from "../trainer/choice.ts";
import { loadConfig } from "./config-file.ts";
import { interruptible } from "./exit.ts";
import { initialModel } from "./initial.ts";
import { loadModels } from "./models.ts";
import { nodeDisk } from "./node-disk.ts";
import { collect, engineOption, integer, newRunId, positive } from "./options.ts";

interface Options {
  readonly set: readonly string[];
  readonly seed?: number;
  readonly data?: string;
  readonly out?: string;
  readonly baseline?: boolean;
  readonly record?: string;
  readonly recordEvery: number;
  readonly json?: boolean;
  readonly engine: EngineChoice;
}

const RECORD_HELP =
  "write what is encoded, as dense float32 (of the first round and every tenth from there, up to " +
  `${MAX_CLIENTS} clients and the coordinator),`;

export const simulateCommand = (): Command =>
  new Command("simulate")
    .description(
      "federate a model among simulated clients on this machine, with real frames and a virtual clock",
    )
    .argument("<file>", "the run's config, YAML; see `fedpress schema`")
    .option("--set <a.b=value>", "override one setting; may be repeated", collect, [])
    .option("--seed <n>", "override the seed", integer)
    .option("--data <dir>", "where the files and folders of the config's data section are")
    .option("--out <dir>", "the run folder (default: runs/<run id>)")
    .option("--baseline", "run it again with dense float32 both ways, and compare")
    .option("--record <dir>", `${RECORD_HELP} into this folder, for \`fedpress bench codec --trace\``)
    .option("--record-every <n>", "with --record: every so many rounds instead of every tenth", positive, 10)
    .addOption(engineOption())
    .option("--json", "print one JSON summary on stdout, nothing else")
    .action(async (file: string, options: Options) => {
      const { config, models } = await loadModels(loadConfig(file, options));
      const initial = initialModel(config, models);
      const runId = newRunId(config.name);
      const directory = options.out ?? join("runs", runId);
      const log = (line: string) => process.stderr.write(`${line}\n`);
      const lines = {
        run: progress({ color, showClients: false }),
        baseline: progress({ color, showClients: false }),
      };
      const follow: SimulateOptions["follow"] = (record, which) => {
        for (const line of lines[which](record)) log(which === "baseline" ? `dense  ${line}` : line);
      };
      const baseline = options.baseline === true;
      const summary = await simulate(
        {
          config,
          runId,
          directory,
          disk: nodeDisk(directory),
          initial,
          models,
          baseline,
          engine: options.engine,
          follow,
          progress: log,
          ...(options.record !== undefined && {
            record: { disk: nodeDisk(options.record), everyRounds: options.recordEvery },
          }),
        },
        interruptible(),
      );
      process.stdout.write(
        options.json ? `${JSON.stringify(summary)}\n` : `${describe(summary, directory)}\n`,
      );
    });

const color = process.stderr.isTTY && picocolors.isColorSupported;

/** The summary as a person reads it. */
export function describe(summary: Summary, directory: string): string {
  const { model, bytes, student, baseline } = summary;
  const percent = (share: number | null) => (share === null ? "not measured" : formatPercent(share));
  const score = ({ accuracy, auc }: { accuracy: number | null; auc: number | null }) =>
    `accuracy ${percent(accuracy)}${auc === null ? "" : `, AUC ${auc.toFixed(4)}`}`;
  const lines = [
    `run      ${summary.runId}, ${summary.rounds} rounds in ${formatDuration(summary.wallMs)}`,
    `model    ${model.name}, ${formatCount(model.numParams)} parameters, ${score(summary)}`,
    `traffic  ${formatBytes(bytes.uplink)} up, ${formatBytes(bytes.downlink)} down; dense float32 would be ` +
      `${formatBytes(bytes.denseTotal)}, ${formatRatio(bytes.ratioTotal)} as much`,
  ];
  if (summary.widths)
    lines.push(
      `widths   ${summary.widths
        .map((of) => `${of.width}: ${formatCount(of.numParams)} parameters, ${percent(of.accuracy)}`)
        .join("; ")}`,
    );
  if (baseline) {
    const { target } = baseline;
    lines.push(`dense    ${score(baseline)} with ${formatBytes(baseline.bytes.total)}`);
    if (target !== null) {
      const [ours, dense] = [target.ours, target.dense].map(
        ({ round, bytes: sent }) => `${formatBytes(sent)} in round ${round}`,
      );
      const ratio = formatRatio(target.dense.bytes / target.ours.bytes);
      lines.push(`first at ${percent(target.accuracy)}: ${ours}, dense ${dense}: ${ratio}`);
    }
  }
  if (student) lines.push(`student  ${formatBytes(student.bytes)}, ${score(student)}, ${student.path}`);
  if (summary.refused.length > 0) {
    const clients = new Set(summary.refused.map(({ clientId }) => clientId));
    const reports = summary.refused.reduce((sum, { reports: count }) => sum + count, 0);
    const codes = [...new Set(summary.refused.map(({ code }) => code))].join(", ");
    lines.push(`refused  ${reports} reports (${codes}) of ${[...clients].slice(0, 10).join(", ")}`);
  }
  lines.push(`report   ${join(directory, "report.html")}`);
  return lines.join("\n");
}
