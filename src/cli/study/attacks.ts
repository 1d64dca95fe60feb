import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { type Config, parseConfig } from "../../coordinator/config/config.ts";
import { formatPercent } from "../../telemetry/format.ts";
import { trainerPool } from "../../trainer/pool.ts";
import { interruptible } from "../exit.ts";
import { collect, integer, positive } from "../options.ts";
import { chosen, type End, endOf, print } from "./run.ts";

interface Options {
  readonly rounds: number;
  readonly seed: number;
  readonly seeds: number;
  readonly density: number;
  readonly model: string;
  readonly strategy: readonly string[];
  readonly fleet: readonly string[];
  readonly json?: boolean;
}

const FLEETS = {
  clean: null,
  "sign-flip": { share: 0.2, kind: "sign-flip" },
  /** No longer than honest ones often are. */
  "short-flip": { share: 0.2, kind: "sign-flip", factor: 2 },
  "large-norm": { share: 0.2, kind: "large-norm" },
} as const;

const fleets = Object.keys(FLEETS) as (keyof typeof FLEETS)[];

/** Of 15 clients 3 attack: then even bulyan has as many as it needs. */
const CLIENTS = 15;

/** With the gates that are on by default; a round goes on without those whom they refuse. */
const gated = (strategy: string) => ({
  cohort: { goal: CLIENTS, minimum: 0.8 * CLIENTS },
  aggregation: { strategy },
});

/** The rule on its own. */
const alone = (strategy: string, settings: Readonly<Record<string, unknown>> = {}) => ({
  cohort: { goal: CLIENTS },
  aggregation: { strategy, gates: { normFactor: null }, ...settings },
});

const ROWS: Readonly<Record<string, ReturnType<typeof gated | typeof alone>>> = {
  fedavg: alone("fedavg"),
  "fedavg with gates": gated("fedavg"),
  "norm-bounding with gates": gated("norm-bounding"),
  median: alone("median"),
  "trimmed-mean": alone("trimmed-mean"),
  krum: alone("krum"),
  "multi-krum": alone("multi-krum"),
  bulyan: alone("bulyan"),
  "geometric-median": alone("geometric-median"),
  "centered-clipping": alone("centered-clipping"),
  "centered-clipping, plain": alone("centered-clipping", {
    centeredClipping: { iterations: 1, cutoff: null },
  }),
};

interface Row {
  readonly strategy: string;
  /** By fleet, of every seed: on the test split after the last round; null when the training came to no numbers any more. */
  readonly accuracy: Readonly<Record<string, readonly (number | null)[]>>;
  /** Reports that the gates turned away, likewise. */
  readonly refused: Readonly<Record<string, readonly number[]>>;
}

export const attacksCommand = (): Command =>
  new Command("attacks")
    .description("20 % hostile clients against every strategy: accuracy on the built-in digits")
    .option("--rounds <n>", "rounds of each run", positive, 20)
    .option("--seed <n>", "of data, models and attackers", integer, 1)
    .option("--seeds <n>", "so many runs of each, with seeds from --seed on", positive, 1)
    .option("--density <share>", "below 1: top-k with error feedback, ternary", densityOf, 1)
    .option("--model <name>", "of the zoo", "small-cnn")
    .option("--strategy <name>", "only this row; may be repeated", collect, [])
    .option("--fleet <name>", `only this column; may be repeated: ${fleets.join(", ")}`, collect, [])
    .option("--json", "one JSON object on stdout")
    .action(async ({ rounds, seed: first, seeds, density, model, strategy, fleet, json }: Options) => {
      const columns = chosen("--fleet", fleets, fleet);
      const names = chosen("--strategy", Object.keys(ROWS), strategy);
      const trainer = await trainerPool(availableParallelism());
      const signal = interruptible();
      const rows: Row[] = [];
      try {
        if (!json) print(["strategy", ...columns]);
        for (const name of names) {
          const ends: [string, readonly End[]][] = [];
          for (const column of columns) {
            const attack = FLEETS[column];
            const runs: End[] = [];
            for (let seed = first; seed < first + seeds; seed++) {
              const settings = { rounds, seed, model: { zoo: model }, attack, ...ROWS[name] };
              runs.push(await endOf(configOf(settings, density), trainer, signal));
            }
            ends.push([column, runs]);
          }
          rows.push({
            strategy: name,
            accuracy: Object.fromEntries(
              ends.map(([column, runs]) => [column, runs.map((run) => run.accuracy)]),
            ),
            refused: Object.fromEntries(
              ends.map(([column, runs]) => [column, runs.map((run) => run.refused)]),
            ),
          });
          if (!json) print([name, ...ends.map(([, runs]) => textOf(runs))]);
        }
      } finally {
        await trainer.close();
      }
      if (json)
        process.stdout.write(
          `${JSON.stringify({ rounds, seed: first, seeds, density, model, rows }, null, 2)}\n`,
        );
    });

function densityOf(text: string): number {
  const density = Number(text);
  if (!(density > 0 && density <= 1)) throw new InvalidArgumentError("expected a share above 0, at most 1");
  return density;
}

function configOf(settings: Readonly<Record<string, unknown>>, density: number): Config {
  const dense = [{ tensors: "*", codec: { values: "float32" } }];
  const sparse = [
    { tensors: "*", codec: { select: { topK: density }, values: "ternary" }, errorFeedback: true },
  ];
  return parseConfig({
    ...settings,
    clients: CLIENTS,
    data: { source: "mnist", holdout: { test: 0.2, transfer: 0 }, partition: { dirichlet: 0.5 } },
    uplink: density < 1 ? sparse : dense,
    downlink: dense,
  });
}

/** Of several seeds the mean and its standard deviation; reports that were refused in all of them. */
function textOf(runs: readonly End[]): string {
  const refused = runs.reduce((sum, run) => sum + run.refused, 0);
  return accuracyOf(runs.map(({ accuracy }) => accuracy)) + (refused > 0 ? ` (${refused} refused)` : "");
}

function accuracyOf(runs: readonly (number | null)[]): string {
  const numbers = runs.filter((accuracy) => accuracy !== null);
  if (numbers.length < runs.length)
    return runs.length === 1 ? "diverged" : `${runs.length - numbers.length} of ${runs.length} diverged`;
  const mean = numbers.reduce((sum, accuracy) => sum + accuracy, 0) / numbers.length;
  if (numbers.length === 1) return formatPercent(mean);
  const squares = numbers.reduce((sum, accuracy) => sum + (accuracy - mean) ** 2, 0);
  return `${formatPercent(mean)} ± ${(100 * Math.sqrt(squares / (numbers.length - 1))).toFixed(2)}`;
}
