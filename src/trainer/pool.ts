import { setMaxListeners } from "node:events";
import { Worker } from "node:worker_threads";
import { assert } from "../model/assert.ts";
import { type EngineChoice, type EngineName, type TrainerOptions, warnOnStderr } from "./choice.ts";
import {
  errorOf,
  type FromWorker,
  type ToWorker,
  type Work,
  type WorkerData,
  type WorkResult,
} from "./job.ts";
import type { EpochReport, Metrics, Trainer, TrainResult } from "./trainer.ts";

/** Worker threads run built JavaScript, also when this file runs as TypeScript. */
const defaultEntry = new URL(
  import.meta.url.endsWith(".ts") ? "../../dist/trainer/worker.js" : "./worker.js",
  import.meta.url,
);

/**
 * Training on `numWorkers` threads, each with its own tfjs, one job a thread; further jobs wait in order. Results
 * are the same bits as `localTrainer`'s. Dataset arrays on shared memory (see `subset`) are not copied. A thread
 * that dies rejects its job and is replaced when the next job needs it. Loads no tfjs in this thread.
 */
export async function trainerPool(numWorkers: number, options: PoolOptions = {}): Promise<Trainer> {
  assert(Number.isInteger(numWorkers) && numWorkers > 0, "a pool has at least one thread");
  const pool = openPool(numWorkers, options);
  let engine: EngineName;
  try {
    engine = await pool.start();
  } catch (error) {
    await pool.close();
    throw error;
  }
  const submit = <T extends WorkResult>(work: Work, signal: AbortSignal, onEpoch?: OnEpoch) =>
    pool.submit(work, signal, onEpoch) as Promise<T>;
  return {
    engine,
    train: (task, signal, onEpoch) => submit<TrainResult>({ kind: "train", task }, signal, onEpoch),
    evaluate: (task, signal) => submit<Metrics>({ kind: "evaluate", task }, signal),
    predict: (task, signal) => submit<Float32Array>({ kind: "predict", task }, signal),
    close: () => pool.close(),
  };
}

export interface PoolOptions extends TrainerOptions {
  /** The worker's module. */
  readonly entry?: URL;
}

type OnEpoch = (report: EpochReport) => void;

interface Job {
  readonly id: number;
  readonly work: Work;
  readonly signal: AbortSignal;
  readonly onEpoch: OnEpoch | undefined;
  readonly resolve: (result: WorkResult) => void;
  readonly reject: (reason: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  /** What it trains on, as soon as it can take jobs; rejects when it cannot start. */
  readonly ready: Promise<EngineName>;
}

/** A place for one worker thread; `job` is what it is busy with, even after the caller has aborted it. */
interface Slot {
  thread: Thread | null;
  job: Job | null;
}

function openPool(
  numWorkers: number,
  { entry = defaultEntry, engine = "auto", warn = warnOnStderr, own = [] }: PoolOptions,
) {
  const slots: readonly Slot[] = Array.from({ length: numWorkers }, () => ({ thread: null, job: null }));
  const waiting: Job[] = [];
  // What `auto` comes to is settled by the first thread, so that all give the same bits.
  let choice: EngineChoice = engine;
  let numJobs = 0;
  let isClosed = false;
  let hasWarned = false;

  const dispatch = (): void => {
    for (const slot of slots)
      while (slot.job === null && !isClosed) {
        const job = waiting.shift();
        if (job === undefined) return;
        slot.thread ??= startThread(slot);
        slot.job = job;
        try {
          post(slot.thread, { type: "start", job: job.id, work: job.work });
        } catch (error) {
          slot.job = null; // the task cannot be sent to another thread
          job.reject(error);
        }
      }
  };

  const startThread = (slot: Slot): Thread => {
    const workerData: WorkerData = { engine: choice, own };
    const worker = new Worker(entry, { workerData });
    let cause: unknown;
    worker.on("error", (error) => {
      cause = error;
    });
    const ready = new Promise<EngineName>((resolve, reject) => {
      worker.on("message", (message: FromWorker) => {
        if (message.type === "ready") {
          resolve(message.engine);
          if (message.warning !== null && !hasWarned) warn(message.warning);
          hasWarned ||= message.warning !== null;
        } else if (message.type === "epoch") {
          if (slot.job?.id === message.job && !slot.job.signal.aborted) slot.job.onEpoch?.(message.report);
        } else settle(slot, message);
      });
      worker.on("exit", (code) => {
        const detail = cause instanceof Error ? cause.message : `exit code ${code}`;
        const stopped = new Error(`a training thread stopped: ${detail}`, { cause });
        reject(stopped);
        const { job } = slot;
        slot.thread = null;
        slot.job = null;
        job?.reject(stopped);
        dispatch();
      });
    });
    ready.catch(() => {}); // told to the job, and to whoever waits for the start
    return { worker, ready };
  };

  const settle = (slot: Slot, message: Extract<FromWorker, { type: "done" | "failed" }>): void => {
    const { job } = slot;
    if (job === null || job.id !== message.job) return;
    slot.job = null;
    if (message.type === "done") job.resolve(message.result);
    else job.reject(errorOf(message.failure));
    dispatch();
  };

  const abort = (job: Job): void => {
    const place = waiting.indexOf(job);
    if (place >= 0) waiting.splice(place, 1);
    const thread = slots.find((slot) => slot.job === job)?.thread;
    if (thread) post(thread, { type: "abort", job: job.id });
    job.reject(job.signal.reason);
  };

  return {
    start: async (): Promise<EngineName> => {
      const [first, ...others] = slots;
      const begin = (slot: Slot): Promise<EngineName> => {
        slot.thread = startThread(slot);
        return slot.thread.ready;
      };
      const name = await begin(first!);
      choice = name;
      await Promise.all(others.map(begin));
      return name;
    },
    submit: (work: Work, signal: AbortSignal, onEpoch?: OnEpoch): Promise<WorkResult> =>
      new Promise<WorkResult>((resolve, reject) => {
        signal.throwIfAborted();
        if (isClosed) throw new Error("the trainer is closed");
        const onAbort = (): void => abort(job);
        const done = (): void => signal.removeEventListener("abort", onAbort);
        const job: Job = {
          id: numJobs++,
          work,
          signal,
          onEpoch,
          resolve: (result) => {
            done();
            resolve(result);
          },
          reject: (reason) => {
            done();
            reject(reason);
          },
        };
        setMaxListeners(0, signal); // a caller may queue any number of jobs under one signal
        signal.addEventListener("abort", onAbort);
        waiting.push(job);
        dispatch();
      }),
    close: async (): Promise<void> => {
      isClosed = true;
      const unfinished = [...waiting.splice(0), ...slots.flatMap(({ job }) => job ?? [])];
      for (const job of unfinished) job.reject(new Error("the trainer was closed"));
      await Promise.all(slots.map(({ thread }) => thread?.worker.terminate()));
    },
  };
}

const post = ({ worker }: Thread, message: ToWorker): void => worker.postMessage(message);
