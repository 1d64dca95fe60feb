import { fuzzCommand } from "./command.mjs";

/** The process: targets out of `module` (a URL), arguments from the command line; one SIGINT or SIGTERM ends it. */
export async function main(module) {
  const aborter = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => aborter.abort());
  process.exitCode = await fuzzCommand(module, process.argv.slice(2), {
    out: (text) => process.stdout.write(`${text}\n`),
    status: (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`),
    signal: aborter.signal,
  });
}
