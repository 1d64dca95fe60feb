// Preloaded into a process (node --import): it is killed at one of its durable writes, as by a power cut. DIE_AT=0 is just
// before the first file is put into its place, 1 just after, 2 before the second, and so on.
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const { rename } = promises;
let left = Number(process.env.DIE_AT);

function step() {
  if (left-- !== 0) return;
  process.kill(process.pid, "SIGKILL");
  for (;;); // it comes any moment
}

promises.rename = async (from, to) => {
  step();
  await rename(from, to);
  step();
};
syncBuiltinESMExports();
