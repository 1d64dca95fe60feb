import { join } from "node:path";
import { Command } from "commander";
import type { Summary } from "../simulation/artefacts.ts";
import { type SimulateOptions, simulate } from "../simulation/simulate.ts";
import { formatBytes, formatRecord } from "../telemetry/format.ts";
import { loadConfig } from "./config-file.ts";
import { interruptible } from "./exit.ts";
import { initialModel } from "./initial.ts";
import { collect, integer, newRunId } from "./options.ts";

interface Options {
  readonly set: readonly string[];
  readonly seed?: number;
  readonly out?: string;
  readonly baseline?: boolean;
  readonly json?: boolean;
}

export const simulateCommand = (): Command =>
  new Command("simulate")
    .description(
      "federate a model among simulated clients on this machine, with real frames and a virtual clock",
    )
    .argument("<file>", "the run's config, YAML; see `fedpress schema`")
    .option("--set <a.b=value>", "override one setting; may be repeated", collect, [])
    .option("--seed <n>", "override the seed", integer)
    .option("--out <dir>", "the run folder (default: runs/<run id>)")
    .option("--baseline", "run it again with dense float32 both ways, and compare")
    .option("--json", "print one JSON summary on stdout, nothing else")
    .action(async (file: string, options: Options) => {
      const config = loadConfig(file, options);
      const initial = initialModel(config);
      const runId = newRunId(config.name);
      const directory = options.out ?? join("runs", runId);
      const progress = (line: string) => process.stderr.write(`${line}\n`);
      const follow: SimulateOptions["follow"] = (record, which) => {
        const line = formatRecord(record);
        if (line !== null) progress(which === "baseline" ? `dense | ${line}` : line);
      };
      const baseline = options.baseline === true;
      const summary = await simulate(
        { config, runId, directory, initial, baseline, follow, progress },
        interruptible(),
      );
      process.stdout.write(
        options.json ? `${JSON.stringify(summary)}\n` : `${describe(summary, directory)}\n`,
      );
    });

/** The summary as a person reads it. */
export function describe(summary: Summary, directory: string): string {
  const { model, bytes, student, baseline } = summary;
  const percent = (share: number | null) =>
    share === null ? "not measured" : `${(100 * share).toFixed(2)} %`;
  const lines = [
    `run        ${summary.runId}, ${summary.rounds} rounds in ${(summary.wallMs / 1000).toFixed(0)} s`,
    `model      ${model.name}, ${model.numParams} parameters, accuracy ${percent(summary.accuracy)}`,
    `traffic    ${formatBytes(bytes.uplink)} up, ${formatBytes(bytes.downlink)} down: ` +
      `1/${bytes.ratioTotal.toFixed(0)} of dense float32 (${formatBytes(bytes.denseTotal)})`,
  ];
  if (baseline)
    lines.push(`dense      accuracy ${percent(baseline.accuracy)} with ${formatBytes(baseline.bytes.total)}`);
  if (student)
    lines.push(
      `student    ${formatBytes(student.bytes)}, accuracy ${percent(student.accuracy)}, ${student.path}`,
    );
  lines.push(`report     ${join(directory, "report.html")}`);
  return lines.join("\n");
}
