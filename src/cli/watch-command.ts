import { Command } from "commander";
import { exitCodes, Interrupted, interruptible } from "./exit.ts";
import { watch } from "./watch.ts";

interface Options {
  readonly nats: string;
  readonly run?: string;
  readonly json?: boolean;
}

export const watchCommand = (): Command =>
  new Command("watch")
    .description("follow a run live over NATS; without --run, every run until interrupted")
    .requiredOption("--nats <url>", "such as nats://127.0.0.1:4222")
    .option("--run <id>", "follow this run, and end with it")
    .option("--json", "print the records as JSON lines")
    .action(async ({ nats, run, json }: Options) => {
      const end = await watch({
        url: nats,
        run: run ?? null,
        json: json === true,
        out: process.stdout,
        log: (line) => process.stderr.write(`${line}\n`),
        signal: interruptible(),
      });
      if (end === "interrupted") throw new Interrupted("interrupted");
      process.exitCode = exitCodes.done;
    });
