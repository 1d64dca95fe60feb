import { availableParallelism } from "node:os";
import { Command } from "commander";
import { loadFederated } from "../../data/source.ts";
import { type Precision, precisions } from "../../model/protocol.ts";
import { formatPercent } from "../../telemetry/format.ts";
import { trainerPool } from "../../trainer/pool.ts";
import type { Trainer } from "../../trainer/trainer.ts";
import { initialParams } from "../../trainer/zoo.ts";
import { interruptible } from "../exit.ts";
import { collect, positive } from "../options.ts";

interface Options {
  readonly model: readonly string[];
  readonly epochs: number;
  readonly seeds: number;
  readonly json?: boolean;
}

interface Run {
  readonly seed: number;
  readonly accuracy: number;
  readonly loss: number;
  readonly numSteps: number;
  readonly numSkipped: number;
}

export const precisionCommand = (): Command =>
  new Command("precision")
    .description("what 16 bits cost in accuracy: digits learned in one place, SGD with momentum, batch 32")
    .option("--model <name>", "of the zoo; mlp and small-cnn if left out; may be repeated", collect, [])
    .option("--epochs <n>", "over 8,000 digits", positive, 3)
    .option("--seeds <n>", "of data, models and order, from 1", positive, 3)
    .option("--json", "one JSON object on stdout")
    .action(async ({ model, epochs, seeds, json }: Options) => {
      const signal = interruptible();
      const trainer = await trainerPool(availableParallelism());
      const rows: { model: string; precision: Precision; runs: readonly Run[] }[] = [];
      const of = Array.from({ length: seeds }, (_, i) => i + 1);
      try {
        for (const name of model.length > 0 ? model : ["mlp", "small-cnn"])
          for (const precision of precisions) {
            const runs = await Promise.all(
              of.map((seed) => trained(trainer, { model: name, precision, epochs, seed }, signal)),
            );
            rows.push({ model: name, precision, runs });
            if (!json) process.stdout.write(`${lineOf(name, precision, runs)}\n`);
          }
      } finally {
        await trainer.close();
      }
      if (json) process.stdout.write(`${JSON.stringify({ epochs, seeds, rows }, null, 2)}\n`);
    });

interface Setting {
  readonly model: string;
  readonly precision: Precision;
  readonly epochs: number;
  readonly seed: number;
}

async function trained(
  trainer: Trainer,
  { model, precision, epochs, seed }: Setting,
  signal: AbortSignal,
): Promise<Run> {
  const holdout = { test: 0.2, transfer: 0, balanced: true };
  const { clients, test } = await loadFederated(
    { source: "mnist", test: null, holdout, partition: "iid" },
    1,
    seed,
  );
  const [dataset] = clients;
  const {
    params,
    numSteps,
    numSkipped = 0,
  } = await trainer.train(
    {
      architecture: model,
      params: initialParams(model, seed),
      dataset: dataset!,
      epochs,
      batchSize: 32,
      optimizer: { sgd: { learningRate: 0.05, momentum: 0.9 } },
      seed,
      precision,
    },
    signal,
  );
  const { accuracy, loss } = await trainer.evaluate({ architecture: model, params, dataset: test! }, signal);
  return { seed, accuracy, loss, numSteps, numSkipped };
}

function lineOf(model: string, precision: Precision, runs: readonly Run[]): string {
  const mean = runs.reduce((sum, { accuracy }) => sum + accuracy, 0) / runs.length;
  const all = runs.map(({ accuracy }) => formatPercent(accuracy)).join(", ");
  const skipped = runs.reduce((sum, { numSkipped }) => sum + numSkipped, 0);
  const steps = runs.reduce((sum, { numSteps }) => sum + numSteps, 0);
  return `${model.padEnd(20)} ${precision.padEnd(8)}  ${formatPercent(mean)} (${all}), ${skipped} of ${steps} steps skipped`;
}
