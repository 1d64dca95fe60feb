import { type Failure, failureOf } from "../../trainer/job.ts";
import { localTrainer } from "../../trainer/local.ts";
import type { Trainer } from "../../trainer/trainer.ts";

export type FromWorker<Run> =
  | { readonly type: "ready" }
  | { readonly type: "done"; readonly run: Run }
  | { readonly type: "failed"; readonly failure: Failure };

/** Makes this process one of a pool: cells come one at a time, and each is answered. It ends with its parent. */
export async function answerCells<Cell, Run>(
  run: (cell: Cell, trainer: Trainer, signal: AbortSignal) => Promise<Run>,
): Promise<void> {
  const say = (message: FromWorker<Run>): void => {
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
      say({ type: "failed", failure: failureOf(error) });
    }
  });
  say({ type: "ready" });
}
