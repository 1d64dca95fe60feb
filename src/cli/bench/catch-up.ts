import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { trainerPool } from "../../trainer/pool.ts";
import { interruptible } from "../exit.ts";
import { recordVersions } from "./catch-up/record.ts";
import { type CatchUpRow, rowOf, sleepsOf } from "./catch-up/rows.ts";
import { type FederationOptions, federationCommand, federationConfig } from "./federation.ts";

interface Options extends FederationOptions {
  readonly history?: boolean;
}

export const catchUpCommand = (): Command =>
  federationCommand("catch-up", { model: "mlp-w0.1", rounds: 300, permille: 10 })
    .description(
      "bytes that bring a client up to date that slept 1, 5, 20, 100, 300 versions, or the whole run",
    )
    .option("--history", "positions by what was broadcast before, which then comes beside a restart")
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
  const config = federationConfig(10, options, options.history);
  const trainer = await trainerPool(availableParallelism());
  try {
    const recorded = await recordVersions(config, trainer, interruptible(), (version) => {
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

const WIDTHS = [6, 10, 10, 10] as const;
const right = (cells: readonly (string | number)[]): string =>
  cells.map((cell, i) => String(cell).padStart(WIDTHS[i]!)).join(" ");

const HEAD = `${right(["slept", "deltas", "patch", "checkpoint"])}  chosen`;

const lineOf = ({ slept, deltas, patch, checkpoint, chosen }: CatchUpRow): string =>
  `${right([slept, deltas, patch, checkpoint])}  ${chosen.kind}, ${chosen.bytes}`;
