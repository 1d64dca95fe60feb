import { availableParallelism } from "node:os";
import { Command } from "commander";
import { type Config, parseConfig } from "../../coordinator/config/config.ts";
import { formatBytes, formatPercent } from "../../telemetry/format.ts";
import { trainerPool } from "../../trainer/pool.ts";
import { interruptible } from "../exit.ts";
import { collect, positive } from "../options.ts";
import { type End, endOf } from "./run.ts";

interface Options {
  readonly rounds: number;
  readonly seeds: number;
  readonly clients: number;
  readonly goal: number;
  readonly alpha: number;
  readonly epochs: number;
  readonly rate: number;
  readonly target: number;
  readonly model: string;
  readonly strategy: readonly string[];
  readonly density: readonly string[];
  readonly json?: boolean;
}

export const driftCommand = (): Command =>
  new Command("drift")
    .description(
      "clients that see different digits: rounds and bytes to an accuracy, by strategy and density",
    )
    .option("--rounds <n>", "rounds of each run", positive, 25)
    .option("--seeds <n>", "of data and models, from 1", positive, 3)
    .option("--clients <n>", "in the federation", positive, 10)
    .option("--goal <n>", "reports a round", positive, 10)
    .option("--alpha <a>", "of the Dirichlet partition: less is more uneven", Number, 0.1)
    .option("--epochs <n>", "local", positive, 5)
    .option("--rate <r>", "of local SGD without momentum", Number, 0.05)
    .option("--target <share>", "accuracy to reach", Number, 0.9)
    .option("--model <name>", "of the zoo", "mlp")
    .option("--strategy <name>", "fedavg and scaffold if left out; may be repeated", collect, [])
    .option(
      "--density <share>",
      "up, 1 and 0.02 if left out; below 1 ternary top-k; may be repeated",
      collect,
      [],
    )
    .option("--json", "one JSON object on stdout")
    .action(async ({ json, ...options }: Options) => {
      const { strategy, density } = options;
      const trainer = await trainerPool(availableParallelism());
      const signal = interruptible();
      const rows: { strategy: string; density: number; runs: End[] }[] = [];
      try {
        for (const each of density.length > 0 ? density.map(Number) : [1, 0.02])
          for (const name of strategy.length > 0 ? strategy : ["fedavg", "scaffold"]) {
            const runs: End[] = [];
            for (let seed = 1; seed <= options.seeds; seed++)
              runs.push(await endOf(configOf(options, name, each, seed), trainer, signal, options.target));
            rows.push({ strategy: name, density: each, runs });
            if (!json) process.stdout.write(`${name}, density ${each}: ${runs.map(textOf).join("; ")}\n`);
          }
      } finally {
        await trainer.close();
      }
      if (json) process.stdout.write(`${JSON.stringify({ ...options, rows }, null, 2)}\n`);
    });

function configOf(options: Options, strategy: string, density: number, seed: number): Config {
  const { rounds, clients, goal, alpha, epochs, rate, model } = options;
  const dense = [{ tensors: "*", codec: { values: "float32" } }];
  const sparse = [
    { tensors: "*", codec: { select: { topK: density }, values: "ternary" }, errorFeedback: true },
  ];
  return parseConfig({
    seed,
    rounds,
    clients,
    model: { zoo: model },
    data: {
      source: "mnist",
      holdout: { test: 0.2, transfer: 0 },
      partition: { dirichlet: alpha },
    },
    cohort: { goal, overSelection: 1 },
    train: { epochs, batchSize: 32, optimizer: { sgd: { learningRate: rate } } },
    aggregation: { strategy },
    uplink: density < 1 ? sparse : dense,
    downlink: dense,
  });
}

const textOf = ({ accuracy, reached }: End): string => {
  const end = accuracy === null ? "diverged" : formatPercent(accuracy);
  return reached === null ? end : `${end} (${reached.round} rounds, ${formatBytes(reached.bytes)})`;
};
