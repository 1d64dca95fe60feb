// The pool's worker, with odd habits for some seeds; it tells everybody what engine it was asked for.
import { BroadcastChannel, parentPort, workerData } from "node:worker_threads";

const choices = new BroadcastChannel("odd-worker");
choices.postMessage(workerData.engine);
choices.close();
await import("../../dist/trainer/worker.js");
parentPort.on("message", ({ type, work }) => {
  if (type !== "start") return;
  if (work.task.seed === 666) process.exit(7);
  if (work.task.seed === 667) throw new Error("thrown where nobody catches");
  if (work.task.seed === 777) work.task.dataset.labels[0] = 9;
});
