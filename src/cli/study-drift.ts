import { availableParallelism } from "node:os";
import { Command } from "commander";
import { type Config, parseConfig } from "../coordinator/config.ts";
import { loadFederated } from "../data/source.ts";
import { federate } from "../simulation/federate.ts";
import { roundHistory } from "../simulation/history.ts";
import { firstAt } from "../simulation/target.ts";
import { formatPercent } from "../telemetry/format.ts";
import { trainerPool } from "../trainer/pool.ts";
import type { Trainer } from "../trainer/trainer.ts";
import { initialParams } from "../trainer/zoo.ts";
import { interruptible } from "./exit.ts";
import { collect, positive } from "./options.ts";

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

/** One run: accuracy after its last round, on the test split; null when its training came to no numbers any more. */
interface Run {
  readonly seed: number;
  readonly accuracy: number | null;
  /** Rounds and bytes to the target; null when it was not reached. */
  readonly reached: ReturnType<typeof firstAt>;
}

export const driftCommand = (): Command =>
  new Command("drift")
    .description(
      "clients that see different digits: rounds and bytes to an accuracy, by strategy and density",
    )
    .option("--rounds <n>", "rounds of each run", positive, 40)
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
      const rows: { strategy: string; density: number; runs: Run[] }[] = [];
      try {
        for (const each of density.length > 0 ? density.map(Number) : [1, 0.02])
          for (const name of strategy.length > 0 ? strategy : ["fedavg", "scaffold"]) {
            const runs: Run[] = [];
            for (let seed = 1; seed <= options.seeds; seed++)
              runs.push(await runOf(configOf(options, name, each, seed), options.target, trainer, signal));
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

async function runOf(config: Config, target: number, trainer: Trainer, signal: AbortSignal): Promise<Run> {
  const { clients, test } = await loadFederated(config.data!, config.clients, config.seed);
  const architecture = config.model.zoo;
  const history = roundHistory();
  const ended = (accuracy: number | null): Run => ({
    seed: config.seed,
    accuracy,
    reached: firstAt(history.rounds(), target),
  });
  let sequence = 0;
  try {
    const { outcome } = await federate(
      {
        config,
        runId: "study",
        initial: initialParams(architecture, config.seed),
        clients,
        trainer,
        evaluate: (params, abort) => trainer.evaluate({ architecture, params, dataset: test! }, abort),
        emit: (event, atMs) => history.sink.emit({ runId: "study", sequence: ++sequence, atMs, event }),
      },
      signal,
    );
    return ended(outcome.metrics!.accuracy);
  } catch (error) {
    if (!(error as Error).message.startsWith("training diverged")) throw error;
    return ended(null);
  }
}

const textOf = ({ accuracy, reached }: Run): string => {
  const end = accuracy === null ? "diverged" : formatPercent(accuracy);
  return reached === null ? end : `${end} (${reached.round} rounds, ${(reached.bytes / 1e6).toFixed(1)} MB)`;
};
