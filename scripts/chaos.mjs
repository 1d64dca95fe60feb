// Real processes of the build in dist/, killed and cut off at random: `npm run chaos -- [--kills N] [--seed S]`.
import { chaosCommand } from "../dist/cli/chaos/command.js";
import { findNatsServer, startNatsServer } from "./nats-server.mjs";

const aborter = new AbortController();
for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => aborter.abort());
process.exitCode = await chaosCommand(process.argv.slice(2), {
  out: (text) => process.stdout.write(`${text}\n`),
  status: (text) => process.stderr.write(`${text}\n`),
  signal: aborter.signal,
  startNats: async () => {
    const { port, kill } = await startNatsServer({ path: (await findNatsServer()).path });
    return { url: `nats://127.0.0.1:${port}`, kill };
  },
});
