import { availableParallelism } from "node:os";
import { Command } from "commander";
import { type Config, parseConfig } from "../../coordinator/config/config.ts";
import { trainerPool } from "../../trainer/pool.ts";
import { interruptible } from "../exit.ts";
import { integer, positive } from "../options.ts";
import { recordVersions } from "./catch-up/record.ts";
import { type CatchUpRow, rowOf, sleepsOf } from "./catch-up/rows.ts";

interface Options {
  readonly model: string;
  readonly rounds: number;
  readonly permille: number;
  readonly seed: number;
  readonly history?: boolean;
  readonly json?: boolean;
}

export const catchUpCommand = (): Command =>
  new Command("catch-up")
    .description(
      "bytes that bring a client up to date that slept 1, 5, 20, 100, 300 versions, or the whole run",
    )
    .option("--model <name>", "of the zoo", "mlp-w0.1")
    .option("--rounds <n>", "of the federation", positive, 300)
    .option("--permille <n>", "thousandths of the coordinates that are sent, either way", positive, 10)
    .option("--seed <n>", "of data, model and clients", integer, 1)
    .option("--history", "positions by what was broadcast before, which then comes beside a restart")
    .option("--json", "one JSON object on stdout")
    .addHelpText("after", COLUMNS_HELP)
    .action(benchCatchUp);

const COLUMNS_HELP = `
A federation of 10 clients on the built-in digits, Dirichlet 0.5, top-k ternary both ways with error feedback. Afterwards,
of who holds the version so many before the newest, bytes of frames:
  deltas      as they were broadcast, in order
  patch       what differs from version 0, after its origin where version 0 is not what is held
  checkpoint  the model as it is
  chosen      what the coordinator answers with, and its bytes`;

async function benchCatchUp({ json, ...options }: Options): Promise<void> {
  const trainer = await trainerPool(availableParallelism());
  try {
    const recorded = await recordVersions(configOf(options), trainer, interruptible(), (version) => {
      if (version % 20 === 0) process.stderr.write(`round ${version} of ${options.rounds}\n`);
    });
    const { params, differing } = recorded;
    const rows = sleepsOf(options.rounds).map((slept) => rowOf(recorded, slept));
    if (json) {
      process.stdout.write(`${JSON.stringify({ ...options, params, differing, rows }, null, 2)}\n`);
      return;
    }
    process.stdout.write(`${HEAD}\n${rows.map((row) => `${lineOf(row)}\n`).join("")}`);
    process.stdout.write(`\n${params} coordinates, of which ${differing} differ from version 0\n`);
  } finally {
    await trainer.close();
  }
}

function configOf({ model, rounds, permille, seed, history }: Options): Config {
  const codec = { select: { topK: permille / 1000 }, values: "ternary" };
  const rules = [{ tensors: "*", codec, errorFeedback: true, ...(history && { history }) }];
  return parseConfig({
    seed,
    rounds,
    clients: 10,
    model: { zoo: model },
    data: { source: "mnist", holdout: { test: 0.2, transfer: 0 }, partition: { dirichlet: 0.5 } },
    cohort: { goal: 10, minimum: 1, overSelection: 1 },
    uplink: rules,
    downlink: rules,
  });
}

const WIDTHS = [6, 10, 10, 10] as const;
const right = (cells: readonly (string | number)[]): string =>
  cells.map((cell, i) => String(cell).padStart(WIDTHS[i]!)).join(" ");

const HEAD = `${right(["slept", "deltas", "patch", "checkpoint"])}  chosen`;

const lineOf = ({ slept, deltas, patch, checkpoint, chosen }: CatchUpRow): string =>
  `${right([slept, deltas, patch, checkpoint])}  ${chosen.kind}, ${chosen.bytes}`;
