import { loadavg } from "node:os";
import { Command } from "commander";
import { trainerPool } from "../../trainer/pool.ts";
import type { Trainer } from "../../trainer/trainer.ts";
import { collect, integer } from "../options.ts";
import { benchModels, benchTask, median } from "./task.ts";

interface Options {
  readonly model: readonly string[];
  readonly samples: number;
  readonly seconds: number;
  readonly turns: number;
  readonly workers: number;
  readonly json?: boolean;
}

interface Row {
  readonly model: string;
  /** In a turn. */
  readonly jobs: number;
  /** Median wall time of all jobs, on one worker and on `workers`. */
  readonly oneMs: number;
  readonly manyMs: number;
  readonly speedUp: number;
}

const DEFAULT_MODELS = ["small-cnn", "lenet-5", "fedavg-cnn", "lstm"];

export const workersCommand = (): Command =>
  new Command("workers")
    .description("how much faster several training threads are than one, and the memory of each")
    .option(
      "--model <name>",
      `only this model; may be repeated (default: ${DEFAULT_MODELS.join(", ")})`,
      collect,
      [],
    )
    .option("--samples <n>", "examples of a job, which is one client's epoch", integer, 512)
    .option("--seconds <n>", "about how long one worker's turn takes", integer, 3)
    .option("--turns <n>", "turns of each pool, one after the other", integer, 5)
    .option("--workers <n>", "threads of the larger pool", integer, 2)
    .option("--json", "one JSON object on stdout")
    .action(benchWorkers);

async function benchWorkers({ model, samples, seconds, turns, workers, json }: Options): Promise<void> {
  const names = benchModels(model, DEFAULT_MODELS);
  const rss = [process.memoryUsage().rss];
  const one = await trainerPool(1);
  await work(one, names[0]!, samples, 1);
  rss.push(process.memoryUsage().rss);
  const many = await trainerPool(workers);
  await work(many, names[0]!, samples, workers);
  rss.push(process.memoryUsage().rss);
  const memory = {
    firstWorkerMiB: (rss[1]! - rss[0]!) / 2 ** 20,
    furtherWorkerMiB: (rss[2]! - rss[1]!) / 2 ** 20 / workers,
  };
  const rows: Row[] = [];
  try {
    if (!json) process.stdout.write(`${memoryLine(memory, names[0]!)}\n`);
    for (const name of names) {
      const row = await measure(name, [one, many], { samples, seconds, turns, workers });
      rows.push(row);
      if (!json) process.stdout.write(`${lineOf(row, workers)}\n`);
    }
  } finally {
    await Promise.all([one.close(), many.close()]);
  }
  if (json)
    process.stdout.write(`${JSON.stringify({ load: loadavg()[0], workers, memory, rows }, null, 2)}\n`);
}

/** After a warm-up as long as a turn for every thread: compiling its code takes each a second, on a core that the others want. */
async function measure(
  name: string,
  [one, many]: readonly [Trainer, Trainer],
  { samples, seconds, turns, workers }: Pick<Options, "samples" | "seconds" | "turns" | "workers">,
): Promise<Row> {
  const [ones, manys]: [number[], number[]] = [[], []];
  await work(one, name, samples, 2);
  const jobs = workers * Math.max(2, Math.ceil((1000 * seconds) / (await work(one, name, samples, workers))));
  await work(one, name, samples, jobs);
  await work(many, name, samples, workers * jobs);
  for (let turn = 0; turn < turns; turn++) {
    ones.push(await work(one, name, samples, jobs));
    manys.push(await work(many, name, samples, jobs));
  }
  const [oneMs, manyMs] = [median(ones), median(manys)];
  return { model: name, jobs, oneMs, manyMs, speedUp: oneMs / manyMs };
}

/** Wall milliseconds of that many jobs at once. */
async function work(trainer: Trainer, name: string, samples: number, jobs: number): Promise<number> {
  const task = benchTask(name, samples, 1);
  const { signal } = new AbortController();
  const startMs = performance.now();
  await Promise.all(Array.from({ length: jobs }, () => trainer.train(task, signal)));
  return performance.now() - startMs;
}

const memoryLine = (
  {
    firstWorkerMiB,
    furtherWorkerMiB,
  }: { readonly firstWorkerMiB: number; readonly furtherWorkerMiB: number },
  model: string,
): string =>
  `memory after a job of ${model}: first worker ${firstWorkerMiB.toFixed(0)} MiB, each further one ${furtherWorkerMiB.toFixed(0)} MiB`;

const lineOf = ({ model, jobs, oneMs, manyMs, speedUp }: Row, workers: number): string =>
  `${model.padEnd(18)} ${String(jobs).padStart(4)} jobs  1 worker ${oneMs.toFixed(0).padStart(6)} ms  ${workers} workers ${manyMs.toFixed(0).padStart(6)} ms  speed-up ${speedUp.toFixed(2)}`;
