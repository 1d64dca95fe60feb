#!/usr/bin/env node
import { createHash } from "node:crypto";
import { Command, CommanderError } from "commander";
import { useSha256 } from "../model/sha256.ts";
import { exitCodes, exitCodesHelp, explain } from "./exit.ts";
import { version } from "./version.ts";

useSha256((...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest());

const program = new Command("fedpress")
  .description("Federated and edge model compression: compressed updates as the protocol")
  .version(version);

/** By name, in the order of the help. Only what was asked for is loaded: a client on a small device starts at once. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  simulate: async () => (await import("./simulate.ts")).simulateCommand(),
  coordinator: async () => (await import("./coordinator.ts")).coordinatorCommand(),
  client: async () => (await import("./client.ts")).clientCommand(),
  control: async () => (await import("./control.ts")).controlCommand(),
  watch: async () => (await import("./watch-command.ts")).watchCommand(),
  doctor: async () => (await import("./doctor.ts")).doctorCommand(),
  bench: async () => (await import("./bench/bench.ts")).benchCommand(),
  study: async () => (await import("./study/study.ts")).studyCommand(),
  dst: async () => (await import("./dst.ts")).dstCommand(),
  inspect: async () => (await import("./inspect.ts")).inspectCommand(),
  journal: async () => (await import("./journal.ts")).journalCommand(),
  schema: async () => (await import("./schema.ts")).schemaCommand(),
};
const asked = process.argv[2] ?? "";
const needsNone = asked === "--version" || asked === "-V";
const names = Object.hasOwn(commands, asked) ? [asked] : needsNone ? [] : Object.keys(commands);
for (const name of names) program.addCommand(await commands[name]!());

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
