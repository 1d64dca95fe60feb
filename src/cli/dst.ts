import { Command } from "commander";
import { planted } from "../simulation/dst/planted/bug.ts";
import { built } from "../simulation/dst/planted/build-copy.ts";
import { type Caught, huntPlanted } from "../simulation/dst/planted/hunt.ts";
import { plantedBugs } from "../simulation/dst/planted/table.ts";
import { runSeed } from "../simulation/dst/run.ts";
import { type SeedResult, seedsInThread, THREAD_FILE } from "../simulation/dst/seeds.ts";
import { shrink } from "../simulation/dst/shrink.ts";
import { timeline } from "../simulation/dst/timeline.ts";
import { integer, positive } from "./options.ts";

interface Options {
  readonly seeds: number;
  readonly from?: number;
  readonly jobs: number;
  readonly all?: boolean;
  readonly planted?: boolean;
  readonly bug?: string;
  readonly json?: boolean;
}

export const dstCommand = (): Command =>
  new Command("dst")
    .description("simulate federations under faults, seed by seed, and audit every promise: docs/testing.md")
    .option("--seeds <n>", "how many", positive, 500)
    .option("--from <seed>", "the first; drawn at random if left out", integer)
    .option("--jobs <n>", "threads", positive, 1)
    .option("--all", "go on after a seed that fails")
    .option(
      "--planted",
      "plant known bugs, one after the other, each of which has to be noticed within --seeds",
    )
    .option("--bug <text>", "with --planted: those whose name has this text")
    .option("--json", "print one JSON summary on stdout, nothing else")
    .action((options: Options) => (options.planted ? hunt(options) : search(options)));

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** No run of that many seeds takes longer. */
const mostMs = (seeds: number): number => 60_000 + 5000 * seeds;

async function search({
  seeds,
  from = Math.floor(Math.random() * 2 ** 31),
  jobs,
  all,
  json,
}: Options): Promise<void> {
  say(`seeds ${from} to ${from + seeds - 1}`);
  const begin = performance.now();
  const failed: SeedResult[] = [];
  const sum = { seeds: 0, events: 0, virtualMs: 0, faults: 0 };
  const onResult = (result: SeedResult): void => {
    sum.seeds++;
    sum.events += result.events;
    sum.virtualMs += result.virtualMs;
    sum.faults += result.numFaults;
    if (sum.seeds % 1000 === 0 && sum.seeds < seeds)
      say(`${sum.seeds} of ${seeds} seeds, ${sum.events} events, ${failed.length} failed so far`);
    if (result.violation === null) return;
    failed.push(result);
    say(`seed ${result.seed} fails: ${result.violation.check}: ${result.violation.detail.split("\n")[0]}`);
  };
  const file = new URL(`../${THREAD_FILE}`, import.meta.url);
  const each = Math.ceil(seeds / jobs);
  await Promise.all(
    Array.from({ length: jobs }, (_, i) => {
      const range = {
        from: from + i * each,
        seeds: Math.min(each, seeds - i * each),
        untilFailure: !all,
        twiceEvery: 100,
      };
      return range.seeds > 0 ? seedsInThread(file, range, mostMs(seeds), onResult) : undefined;
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  const summary = {
    from,
    ...sum,
    seconds: Math.round(seconds),
    seedsPerSecond: Number((sum.seeds / seconds).toFixed(1)),
    failed: failed.map(({ seed, violation }) => ({ seed, ...violation })),
  };
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else
    say(
      `${sum.seeds} seeds, ${sum.events} events, ${sum.faults} faults, ${Math.round(sum.virtualMs / 3_600_000)} h of ` +
        `virtual time in ${summary.seconds} s: ${summary.seedsPerSecond} seeds a second; ${failed.length} failed`,
    );
  if (failed.length === 0) return;
  await explain(failed[0]!.seed);
  process.exitCode = 1;
}

/** The least that still fails, on a page, and how to see it again. */
async function explain(seed: number): Promise<void> {
  const run = await runSeed({ seed, keepsLines: true });
  if (run.violation === null) return say(`seed ${seed} does not fail when it runs again`);
  const { run: least, runs } = await shrink(run);
  say(`\n${timeline(least)}\n`);
  say(`shrunk from ${run.faults.length} faults to ${least.faults.length} in ${runs} runs`);
  say(`again: npm run dst -- --seeds 1 --from ${seed}`);
}

async function hunt({ seeds, jobs, bug = "", json }: Options): Promise<void> {
  const bugs = plantedBugs.filter(({ name }) => name.includes(bug));
  for (const { changes } of bugs) for (const change of changes) planted(built(change.file), change);
  const row = ({ name, seed, check, detail }: Caught): string =>
    `| ${name} | ${seed ?? "not caught"} | ${check} | ${detail.split("\n")[0]!.slice(0, 100)} |`;
  say("| planted bug | first seed | check | what it saw |\n| --- | --- | --- | --- |");
  const results = await huntPlanted(bugs, { seeds, threads: jobs, onCaught: (caught) => say(row(caught)) });
  const missed = results.filter(({ seed }) => seed === null);
  if (json) process.stdout.write(`${JSON.stringify(results)}\n`);
  say(`${results.length} planted, ${results.length - missed.length} caught within ${seeds} seeds`);
  if (missed.length > 0) process.exitCode = 1;
}
