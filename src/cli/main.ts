#!/usr/bin/env node
import { createHash } from "node:crypto";
import { Command, CommanderError } from "commander";
import { useSha256 } from "../model/sha256.ts";
import { benchCommand } from "./bench.ts";
import { clientCommand } from "./client.ts";
import { controlCommand } from "./control.ts";
import { coordinatorCommand } from "./coordinator.ts";
import { doctorCommand } from "./doctor.ts";
import { dstCommand } from "./dst.ts";
import { exitCodes, exitCodesHelp, explain } from "./exit.ts";
import { inspectCommand } from "./inspect.ts";
import { journalCommand } from "./journal.ts";
import { schemaCommand } from "./schema.ts";
import { simulateCommand } from "./simulate.ts";
import { studyCommand } from "./study.ts";
import { version } from "./version.ts";
import { watchCommand } from "./watch-command.ts";

useSha256((...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest());

const program = new Command("fedpress")
  .description("Federated and edge model compression: compressed updates as the protocol")
  .version(version);

for (const command of [
  simulateCommand(),
  coordinatorCommand(),
  clientCommand(),
  controlCommand(),
  watchCommand(),
  doctorCommand(),
  benchCommand(),
  studyCommand(),
  dstCommand(),
  inspectCommand(),
  journalCommand(),
  schemaCommand(),
])
  program.addCommand(command);

const withAllBelow = (command: Command): readonly Command[] => [
  command,
  ...command.commands.flatMap(withAllBelow),
];
for (const command of withAllBelow(program)) command.addHelpText("after", exitCodesHelp).exitOverride();

// A reader that closes the pipe early, such as `head`, is not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(exitCodes.done);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError)
    process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  else process.exitCode = explain(error);
}
