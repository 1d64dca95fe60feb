// Mutated payloads against the decoders of the build in dist/: `npm run fuzz -- --codec NAME --inputs N [--from SEED]`.
import { fuzzCommand } from "./fuzz/command.mjs";
import { targets } from "./fuzz/targets.mjs";

Error.stackTraceLimit = 0; // most inputs end in an error, and a stack costs more than decoding

const aborter = new AbortController();
for (const name of ["SIGINT", "SIGTERM"])
  process.on(name, () => (aborter.signal.aborted ? process.exit(130) : aborter.abort()));

process.exitCode = await fuzzCommand(targets, process.argv.slice(2), {
  out: (text) => process.stdout.write(`${text}\n`),
  status: (text) => process.stderr.isTTY && process.stderr.write(`\r\x1b[K${text}`),
  signal: aborter.signal,
});
