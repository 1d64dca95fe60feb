import { localTrainer } from "../../trainer/local.ts";
import type { Cell } from "./grid.ts";
import type { FromWorker } from "./pool.ts";
import { run } from "./run.ts";

// One process of the pool: cells come one at a time, and each is answered. It ends with its parent.

const say = (message: FromWorker): void => {
  process.send!(message);
};

process.on("disconnect", () => process.exit());
process.on("SIGINT", () => {}); // the parent decides

const trainer = await localTrainer();
const never = new AbortController().signal;

process.on("message", async (cell: Cell) => {
  try {
    say({ type: "done", run: await run(cell, trainer, never) });
  } catch (error) {
    say({ type: "failed", detail: (error as Error).message });
  }
});
say({ type: "ready" });
