import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { formatDuration } from "../../telemetry/format.ts";
import { interruptible } from "../exit.ts";
import { nodeDisk } from "../node-disk.ts";
import { collect, positive } from "../options.ts";
import { leave } from "./leave.ts";
import { differenceOf } from "./masks/figures.ts";
import { type Cell, keyOf, regimeNames } from "./masks/grid.ts";
import { plotOf } from "./masks/plot.ts";
import type { Run } from "./masks/run.ts";
import { type Row, type StudySettings, study } from "./masks/study.ts";
import { tableOf, verdictsOf } from "./masks/table.ts";
import { withMissing } from "./missing.ts";
import { chosen } from "./run.ts";

interface Options {
  readonly out: string;
  readonly model: string;
  readonly rounds: number;
  readonly seeds: number;
  readonly tuningSeeds: number;
  readonly rates: readonly number[];
  readonly regime: readonly string[];
  readonly workers: number;
  readonly quick?: boolean;
  readonly json?: boolean;
}

/** Enough to see that it works, not enough to learn anything from. */
const QUICK = {
  regimes: ["both, top-k 3 %"],
  serverRates: [1, 2],
  numSeeds: 2,
  numTuningSeeds: 1,
  model: "softmax-regression",
  rounds: 2,
} as const satisfies StudySettings;

export const masksCommand = (): Command =>
  new Command("masks")
    .description("senders over owners, zero-filling and overlap averaging, with top-k, masks and both")
    .option(
      "--out <dir>",
      "the run folder; finished runs in it are not run again",
      join("runs", "study-masks"),
    )
    .option("--model <name>", "of the zoo", "mlp-w0.1")
    .option("--rounds <n>", "rounds of each run", positive, 32)
    .option("--seeds <n>", "test seeds", positive, 5)
    .option("--tuning-seeds <n>", "seeds to tune the server rates with", positive, 2)
    .option("--rates <list>", "server rates to tune among", rates, [0.5, 1, 2, 4])
    .option(
      "--regime <name>",
      `only this one of ${regimeNames.map((name) => `"${name}"`).join(", ")}; may be repeated`,
      collect,
      [],
    )
    .option("--workers <n>", "processes", positive, availableParallelism())
    .option("--quick", "a minute study of the study itself: few rounds, a tiny model")
    .option("--json", "one JSON object on stdout")
    .action(async (options: Options) => {
      const settings = options.quick ? QUICK : settingsOf(options);
      const startedMs = performance.now();
      const rows = await runStudy(settings, options, interruptible());
      const disk = nodeDisk(options.out);
      const verdicts = verdictsOf(rows);
      const table = tableOf(rows, settings.serverRates);
      const json = jsonOf(settings, rows, verdicts);
      const svg = plotOf(rows, `Accuracy by server rate: ${settings.model}, MNIST`);
      await leave(disk, { json, table, svg });
      if (options.json) process.stdout.write(json);
      else {
        const lines = verdicts.map(({ text, holds }) => `${holds ? "holds" : "FAILS"}  ${text}`);
        const took = formatDuration(Math.round(performance.now() - startedMs));
        process.stdout.write(
          `${[table, "", ...lines, "", `${took}, ${join(options.out, "study.svg")}`].join("\n")}\n`,
        );
      }
    });

function settingsOf({ regime, rates, seeds, tuningSeeds, model, rounds }: Options): StudySettings {
  return {
    regimes: chosen("--regime", regimeNames, regime),
    serverRates: rates,
    numSeeds: seeds,
    numTuningSeeds: tuningSeeds,
    model,
    rounds,
  };
}

const runStudy = (settings: StudySettings, { out, workers }: Options, signal: AbortSignal) =>
  withMissing<Cell, Run, readonly Row[]>(
    {
      out,
      keyOf,
      worker: new URL("./masks/worker.js", import.meta.url),
      workers,
      titleOf: ({ split }) => split,
    },
    signal,
    (cache, runMissing) => study(settings, cache, runMissing),
  );

const jsonOf = (
  settings: StudySettings,
  rows: readonly Row[],
  verdicts: ReturnType<typeof verdictsOf>,
): string => {
  const withDifferences = rows.map((row) => ({
    ...row,
    difference: differenceOf(row, rows),
    differenceAtOne: differenceOf(row, rows, "accuracyAtOne"),
  }));
  return `${JSON.stringify({ settings, rows: withDifferences, verdicts }, null, 2)}\n`;
};

function rates(text: string): readonly number[] {
  const list = text.split(",").map(Number);
  if (!list.every((rate) => rate > 0 && rate <= 100))
    throw new InvalidArgumentError("expected rates above 0, at most 100, such as 0.5,1,2");
  return [...new Set(list)].sort((a, b) => a - b);
}
