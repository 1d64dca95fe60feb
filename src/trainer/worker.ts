import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../model/assert.ts";
import {
  type FromWorker,
  failureOf,
  type ToWorker,
  type Work,
  type WorkerData,
  type WorkResult,
} from "./job.ts";
import { localTrainer } from "./local.ts";
import type { TrainResult } from "./trainer.ts";

// The entry of a worker thread of the pool: one trainer, one job at a time.

assert(parentPort !== null, "runs as a worker thread");
const port = parentPort;
const warnings: string[] = [];
const { engine, own } = workerData as WorkerData;
const trainer = await localTrainer({ engine, own, warn: (line) => warnings.push(line) });
const running = new Map<number, AbortController>();

const send = (message: FromWorker, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, [...transfer]);

port.on("message", (message: ToWorker) => {
  if (message.type === "abort") running.get(message.job)?.abort();
  else void run(message.job, message.work);
});
send({ type: "ready", engine: trainer.engine, warning: warnings[0] ?? null });

async function run(job: number, work: Work): Promise<void> {
  const controller = new AbortController();
  running.set(job, controller);
  try {
    const result = await perform(job, work, controller.signal);
    send({ type: "done", job, result }, buffersOf(result));
  } catch (error) {
    send({ type: "failed", job, failure: failureOf(error) });
  } finally {
    running.delete(job);
  }
}

function perform(job: number, work: Work, signal: AbortSignal): Promise<WorkResult> {
  switch (work.kind) {
    case "train":
      return trainer.train(work.task, signal, (report) => send({ type: "epoch", job, report }));
    case "evaluate":
      return trainer.evaluate(work.task, signal);
    case "predict":
      return trainer.predict(work.task, signal);
  }
}

/** What moves to the other thread instead of being copied. */
function buffersOf(result: WorkResult): readonly ArrayBuffer[] {
  const arrays = result instanceof Float32Array ? [result] : "params" in result ? paramArrays(result) : [];
  return arrays.map(({ buffer }) => buffer as ArrayBuffer);
}

const paramArrays = ({ params }: TrainResult): readonly Float32Array[] =>
  [...params.values()].map(({ data }) => data);
