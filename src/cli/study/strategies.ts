import { availableParallelism } from "node:os";
import { Command } from "commander";
import { type Config, parseConfig } from "../../coordinator/config/config.ts";
import { formatBytes, formatPercent } from "../../telemetry/format.ts";
import { trainerPool } from "../../trainer/pool.ts";
import { interruptible } from "../exit.ts";
import { collect, integer, positive } from "../options.ts";
import { chosen, type End, endOf, print } from "./run.ts";

interface Options {
  readonly rounds: number;
  readonly seed: number;
  readonly model: string;
  readonly strategy: readonly string[];
  readonly json?: boolean;
}

const ROWS = [
  "fedavg",
  "fedavgm",
  "fedadam",
  "fedyogi",
  "fedadagrad",
  "fedprox",
  "fednova",
  "scaffold",
  "q-fedavg",
  "fedbuff",
  "fedasync",
];

const PLANS = {
  dense: [{ tensors: "*", codec: { values: "float32" } }],
  "top-k 2 %": [{ tensors: "*", codec: { select: { topK: 0.02 }, values: "ternary" }, errorFeedback: true }],
} as const;

export const strategiesCommand = (): Command =>
  new Command("strategies")
    .description(
      "the linear strategies as they come, dense and sparse: accuracy and bytes on the built-in digits",
    )
    .option("--rounds <n>", "versions of each run, of as many reports as 5 times this", positive, 20)
    .option("--seed <n>", "of data and models", integer, 1)
    .option("--model <name>", "of the zoo", "small-cnn")
    .option("--strategy <name>", "only this row; may be repeated", collect, [])
    .option("--json", "one JSON object on stdout")
    .action(async ({ rounds, seed, model, strategy, json }: Options) => {
      const names = chosen("--strategy", ROWS, strategy);
      const trainer = await trainerPool(availableParallelism());
      const signal = interruptible();
      const rows: { readonly strategy: string; readonly plans: Readonly<Record<string, End>> }[] = [];
      try {
        if (!json) print(["strategy", ...Object.keys(PLANS)]);
        for (const name of names) {
          const ends: [string, End][] = [];
          for (const [plan, rules] of Object.entries(PLANS)) {
            const config = configOf(name, rounds, {
              seed,
              model: { zoo: model },
              uplink: rules,
              downlink: rules,
            });
            ends.push([plan, await endOf(config, trainer, signal)]);
          }
          rows.push({ strategy: name, plans: Object.fromEntries(ends) });
          if (!json) print([name, ...ends.map(([, end]) => textOf(end))]);
        }
      } finally {
        await trainer.close();
      }
      if (json) process.stdout.write(`${JSON.stringify({ rounds, seed, model, rows }, null, 2)}\n`);
    });

/** Reports in a round, of ten clients. */
const GOAL = 5;

/** FedAsync makes a version of every report: as many reports in all. */
function configOf(strategy: string, rounds: number, settings: Readonly<Record<string, unknown>>): Config {
  const isAsync = strategy === "fedasync";
  return parseConfig({
    ...settings,
    rounds: isAsync ? GOAL * rounds : rounds,
    clients: 10,
    data: { source: "mnist", holdout: { test: 0.2, transfer: 0 }, partition: { dirichlet: 0.5 } },
    cohort:
      isAsync || strategy === "fedbuff"
        ? { goal: isAsync ? 1 : GOAL, minimum: 1, concurrency: 10 }
        : { goal: GOAL },
    aggregation: { strategy },
  });
}

const textOf = ({ accuracy, bytes }: End): string =>
  accuracy === null ? "diverged" : `${formatPercent(accuracy)}, ${formatBytes(bytes)}`;
