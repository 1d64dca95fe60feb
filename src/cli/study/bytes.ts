import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { formatDuration } from "../../telemetry/format.ts";
import { interruptible } from "../exit.ts";
import { nodeDisk } from "../node-disk.ts";
import { collect, positive } from "../options.ts";
import { type Cell, fullGrids, keyOf, quickGrids, regimeNames } from "./bytes/grid.ts";
import { plotOf } from "./bytes/plot.ts";
import type { Run } from "./bytes/run.ts";
import { type Result, type StudySettings, study } from "./bytes/study.ts";
import { tableOf } from "./bytes/table.ts";
import { leave } from "./leave.ts";
import { withMissing } from "./missing.ts";
import { chosen } from "./run.ts";

interface Options {
  readonly out: string;
  readonly model: string;
  readonly rounds: number;
  readonly denseRounds: number;
  readonly seeds: number;
  readonly regime: readonly string[];
  readonly workers: number;
  readonly quick?: boolean;
  readonly json?: boolean;
}

/** Enough to see that it works, not enough to learn anything from. */
const QUICK = {
  regimes: [regimeNames[0]!],
  numSeeds: 1,
  model: "softmax-regression",
  denseRounds: 4,
  ourRounds: 6,
  grids: quickGrids,
} as const satisfies StudySettings;

export const bytesCommand = (): Command =>
  new Command("bytes")
    .description("bytes to dense accuracy minus half a point, adding one stage of ours at a time")
    .option(
      "--out <dir>",
      "the run folder; finished runs in it are not run again",
      join("runs", "study-bytes"),
    )
    .option("--model <name>", "of the zoo", "mlp-w0.32")
    .option("--rounds <n>", "rounds that ours may take", positive, 200)
    .option("--dense-rounds <n>", "rounds of a dense run", positive, 30)
    .option("--seeds <n>", "test seeds", positive, 3)
    .option(
      "--regime <name>",
      `only this one of ${regimeNames.map((name) => `"${name}"`).join(", ")}; may be repeated`,
      collect,
      [],
    )
    .option("--workers <n>", "processes", positive, availableParallelism())
    .option("--quick", "a study of the study itself: few rounds, a tiny model")
    .option("--json", "one JSON object on stdout")
    .action(async (options: Options) => {
      const settings = options.quick ? QUICK : settingsOf(options);
      const startedMs = performance.now();
      const disk = nodeDisk(options.out);
      const results = await withMissing<Cell, Run, readonly Result[]>(
        {
          out: options.out,
          keyOf,
          worker: new URL("./bytes/worker.js", import.meta.url),
          workers: options.workers,
          titleOf: ({ regime, split, sending }) =>
            `${regime}, ${split}, ${sending.up === null ? "dense" : "ours"}`,
        },
        interruptible(),
        (cache, runMissing) => study(settings, cache, runMissing),
      );
      const table = tableOf(results);
      const json = `${JSON.stringify({ settings, results }, null, 2)}\n`;
      const svg = plotOf(results, `Bytes to dense accuracy less half a point: ${settings.model}, MNIST`);
      await leave(disk, { json, table, svg });
      const took = formatDuration(Math.round(performance.now() - startedMs));
      process.stdout.write(options.json ? json : `${table}\n\n${took}, ${join(options.out, "study.svg")}\n`);
    });

const settingsOf = ({ regime, seeds, model, rounds, denseRounds }: Options): StudySettings => ({
  regimes: chosen("--regime", regimeNames, regime),
  numSeeds: seeds,
  model,
  denseRounds,
  ourRounds: rounds,
  grids: fullGrids,
});
