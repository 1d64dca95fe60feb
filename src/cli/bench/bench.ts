import { loadavg } from "node:os";
import { Command } from "commander";
import { ConfigError } from "../../model/error.ts";
import { trainerPool } from "../../trainer/pool.ts";
import type { EpochReport } from "../../trainer/trainer.ts";
import { architectureNames } from "../../trainer/zoo.ts";
import { collect, integer } from "../options.ts";
import { aggregateCommand } from "./aggregate.ts";
import { catchUpCommand } from "./catch-up.ts";
import { codecCommand } from "./codec.ts";
import { coordinatorBench } from "./coordinator.ts";
import { historyCommand } from "./history.ts";
import { journalBenchCommand } from "./journal.ts";
import { pythonWith, runPython } from "./python.ts";
import { benchModels, benchTask, median } from "./task.ts";
import { workersCommand } from "./workers.ts";

interface Options {
  readonly model: readonly string[];
  readonly samples: readonly string[];
  readonly epochs: number;
  readonly torch?: boolean;
  readonly json?: boolean;
}

interface Row {
  readonly model: string;
  readonly numSamples: number;
  /** Median over the epochs after the warm-up, one worker thread. */
  readonly epochMs: number;
  /** The same in PyTorch, one thread, in the same run; null without --torch. */
  readonly torchMs: number | null;
  readonly ratio: number | null;
  /** Which BLAS torch ran on; null without --torch. */
  readonly torchBlas: string | null;
}

const WARM_UP = 2;

export const benchCommand = (): Command =>
  new Command("bench")
    .description("measure this machine")
    .addCommand(
      new Command("train")
        .description("milliseconds per epoch of the zoo's models: batch 32, SGD with momentum, one thread")
        .option("--model <name>", "only this model; may be repeated", collect, [])
        .option("--samples <n>", "examples in an epoch; may be repeated (default: 512)", collect, [])
        .option("--epochs <n>", "epochs measured, after two of warm-up, in two turns", integer, 6)
        .option("--torch", "the same models in python3-torch with one thread, in turns with ours")
        .option("--json", "one JSON object on stdout")
        .action(benchTrain),
    )
    .addCommand(workersCommand())
    .addCommand(codecCommand())
    .addCommand(aggregateCommand())
    .addCommand(historyCommand())
    .addCommand(catchUpCommand())
    .addCommand(journalBenchCommand())
    .addCommand(coordinatorBench());

async function benchTrain({ model, samples, epochs, torch, json }: Options): Promise<void> {
  const names = benchModels(model, architectureNames);
  const python = torch ? pythonWithTorch() : null;
  const rows: Row[] = [];
  for (const numSamples of (samples.length > 0 ? samples : ["512"]).map(integer))
    for (const name of names) {
      const row = await measure(name, numSamples, epochs, python);
      rows.push(row);
      if (!json) process.stdout.write(`${lineOf(row)}\n`);
    }
  if (json) process.stdout.write(`${JSON.stringify({ load: loadavg()[0], rows }, null, 2)}\n`);
}

/** In two turns each, so that a busy minute does not fall on one side only. */
async function measure(
  name: string,
  numSamples: number,
  epochs: number,
  python: string | null,
): Promise<Row> {
  const ours: number[] = [];
  const theirs: number[] = [];
  let torchBlas: string | null = null;
  for (let turn = 0; turn < 2; turn++) {
    const count = Math.ceil(epochs / 2);
    ours.push(...(await epochTimes(name, numSamples, count)));
    if (python === null) continue;
    const { ms, blas } = torchRun(python, name, numSamples, count);
    theirs.push(...ms);
    torchBlas = blas;
  }
  const epochMs = median(ours);
  const torchMs = python === null ? null : median(theirs);
  const ratio = torchMs === null ? null : epochMs / torchMs;
  return { model: name, numSamples, epochMs, torchMs, ratio, torchBlas };
}

async function epochTimes(name: string, numSamples: number, epochs: number): Promise<readonly number[]> {
  const trainer = await trainerPool(1);
  try {
    const reports: EpochReport[] = [];
    const task = benchTask(name, numSamples, WARM_UP + epochs);
    await trainer.train(task, new AbortController().signal, (report) => reports.push(report));
    return reports.slice(WARM_UP).map(({ durationMs }) => durationMs);
  } finally {
    await trainer.close();
  }
}

function torchRun(
  python: string,
  name: string,
  numSamples: number,
  epochs: number,
): { readonly ms: readonly number[]; readonly blas: string } {
  return JSON.parse(runPython(python, "torch_train.py", [name, numSamples, WARM_UP, epochs]));
}

function pythonWithTorch(): string {
  const python = pythonWith("torch");
  if (python !== null) return python;
  throw new ConfigError([{ path: "--torch", value: "python3", expected: "a python3 that can import torch" }]);
}

function lineOf({ model, numSamples, epochMs, torchMs, ratio, torchBlas }: Row): string {
  const ours = `${model.padEnd(18)} ${String(numSamples).padStart(6)} samples ${epochMs.toFixed(1).padStart(9)} ms`;
  return torchMs === null
    ? ours
    : `${ours}  torch ${torchMs.toFixed(1).padStart(9)} ms (${torchBlas} BLAS)  ratio ${ratio!.toFixed(2)}`;
}
