import { fork } from "node:child_process";
import { setMaxListeners } from "node:events";
import { errorOf } from "../../trainer/job.ts";
import type { FromWorker } from "./worker.ts";

export interface Pool<Cell, Run> {
  /** Runs the cells in this order, as processes become free; rejects with the first that fails, or with the signal. */
  readonly runAll: (
    cells: readonly Cell[],
    signal: AbortSignal,
    onDone: (cell: Cell, run: Run) => Promise<void>,
  ) => Promise<void>;
  readonly close: () => void;
}

/**
 * Processes of the module `worker`, which answers cells by `answerCells`. No threads: a cell computes for seconds on end,
 * in the engine as much as in the trainer.
 */
export function processPool<Cell extends object, Run>(worker: URL, numProcesses: number): Pool<Cell, Run> {
  const workers = Array.from({ length: numProcesses }, () => openWorker<Cell, Run>(worker));
  return {
    runAll: async (cells, signal, onDone) => {
      const queue = cells.values();
      await Promise.all(
        workers.map(async ({ run }) => {
          for (const cell of queue) await onDone(cell, await unlessAborted(run(cell), signal));
        }),
      );
    },
    close: () => {
      for (const { kill } of workers) kill();
    },
  };
}

interface Worker<Cell, Run> {
  readonly run: (cell: Cell) => Promise<Run>;
  readonly kill: () => void;
}

function openWorker<Cell extends object, Run>(worker: URL): Worker<Cell, Run> {
  const child = fork(worker);
  let hear: (message: FromWorker<Run>) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const answer = (): Promise<FromWorker<Run>> =>
    new Promise((resolve, reject) => {
      hear = resolve;
      fail = reject;
    });
  child.on("message", (message: FromWorker<Run>) => hear(message));
  child.on("error", (error) => fail(error));
  child.on("exit", (code, signal) => fail(new Error(`a process of the study stopped: ${code ?? signal}`)));
  const ready = answer();
  ready.catch(() => {}); // told to the first cell
  return {
    run: async (cell) => {
      await ready;
      const answered = answer();
      child.send(cell);
      const message = await answered;
      if (message.type === "done") return message.run;
      throw message.type === "failed"
        ? errorOf(message.failure)
        : new Error("a process of the study began twice");
    },
    kill: () => child.kill(),
  };
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  setMaxListeners(0, signal);
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
