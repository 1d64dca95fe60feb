import { availableParallelism } from "node:os";
import { Command } from "commander";
import { type Config, parseConfig } from "../../coordinator/config/config.ts";
import { formatBytes, formatPercent } from "../../telemetry/format.ts";
import { trainerPool } from "../../trainer/pool.ts";
import { interruptible } from "../exit.ts";
import { collect, positive } from "../options.ts";
import { chosen, type End, endOf, print } from "./run.ts";

interface Options {
  readonly bytes: number;
  readonly rounds: number;
  readonly seeds: number;
  readonly model: string;
  readonly rate: number;
  readonly serverRate: number;
  readonly row: readonly string[];
  readonly json?: boolean;
}

/** What is sent within the same bytes a frame. */
const ROWS = {
  ternary: { values: "ternary" },
  "2 levels": { values: { levels: 2 } },
  "3 levels": { values: { levels: 3 } },
  "levels that pay": { values: { levels: "auto" } },
  "ternary by history": { values: "ternary", history: true },
  "ternary by history and rate": { values: "ternary", history: true, byRate: true },
  "levels by history and rate": { values: { levels: "auto" }, history: true, byRate: true },
} as const satisfies Record<string, { values: unknown; history?: true; byRate?: true }>;

const rowNames = Object.keys(ROWS) as readonly (keyof typeof ROWS)[];

export const budgetCommand = (): Command =>
  new Command("budget")
    .description("the same bytes a frame, both ways, spent in different ways: accuracy after so many rounds")
    .option("--bytes <n>", "of a frame, 256 or more", positive, 400)
    .option("--rounds <n>", "rounds of each run", positive, 40)
    .option("--seeds <n>", "of data and models, from 1", positive, 5)
    .option("--model <name>", "of the zoo", "mlp-w0.32")
    .option("--rate <r>", "of local SGD", Number, 0.1)
    .option("--server-rate <r>", "of the server's SGD", Number, 2)
    .option("--row <name>", `only this one of ${rowNames.join(", ")}; may be repeated`, collect, [])
    .option("--json", "one JSON object on stdout")
    .action(async ({ json, ...options }: Options) => {
      const trainer = await trainerPool(availableParallelism());
      const signal = interruptible();
      const rows: { row: string; runs: End[] }[] = [];
      try {
        if (!json) print(["", "accuracy (least-most)", "less than ternary", "bytes"]);
        for (const row of chosen("row", rowNames, options.row)) {
          const runs: End[] = [];
          for (let seed = 1; seed <= options.seeds; seed++)
            runs.push(await endOf(configOf(options, row, seed), trainer, signal));
          rows.push({ row, runs });
          if (!json) print([row, ...cells(runs, rows[0]!.runs)]);
        }
      } finally {
        await trainer.close();
      }
      if (json) process.stdout.write(`${JSON.stringify({ ...options, rows }, null, 2)}\n`);
    });

function cells(runs: readonly End[], first: readonly End[]): readonly string[] {
  const accuracies = runs.map(({ accuracy }) => accuracy ?? 0);
  const mean = (numbers: readonly number[]): number =>
    numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
  const less = accuracies.map((accuracy, i) => (first[i]!.accuracy ?? 0) - accuracy);
  const least = formatPercent(Math.min(...accuracies)).replace(" %", "");
  const range = `${least}-${formatPercent(Math.max(...accuracies))}`;
  return [
    `${formatPercent(mean(accuracies))} (${range})`,
    less.map((points) => (100 * points).toFixed(1)).join(" "),
    formatBytes(mean(runs.map(({ bytes }) => bytes))),
  ];
}

function configOf(options: Options, row: keyof typeof ROWS, seed: number): Config {
  const { bytes, rounds, model, rate, serverRate } = options;
  const { values, ...how } = ROWS[row] as { values: unknown; history?: true; byRate?: true };
  const rule = {
    tensors: "*",
    codec: {
      select: { budget: { bytesPerRound: bytes }, ...(how.byRate && { rateDistortion: true }) },
      values,
    },
    errorFeedback: true,
    ...(how.history && { history: true }),
  };
  return parseConfig({
    seed,
    rounds,
    clients: 10,
    model: { zoo: model },
    data: { source: "mnist", holdout: { test: 0.2, transfer: 0 }, partition: { dirichlet: 0.5 } },
    cohort: { goal: 10, overSelection: 1 },
    train: { epochs: 1, batchSize: 20, optimizer: { sgd: { learningRate: rate, momentum: 0 } } },
    aggregation: { serverOptimizer: { sgd: { learningRate: serverRate } }, gates: { normFactor: null } },
    uplink: [rule],
    downlink: [rule],
  });
}
