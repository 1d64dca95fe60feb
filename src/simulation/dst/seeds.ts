import { Worker } from "node:worker_threads";
import type { RunResult } from "./run.ts";

/** What is told of a seed: all but its timeline. */
export type SeedResult = Omit<RunResult, "lines" | "faults"> & { readonly numFaults: number };

export interface SeedRange {
  readonly from: number;
  readonly seeds: number;
  /** Ends with the first that fails. */
  readonly untilFailure: boolean;
  /** Every so many seeds one is run twice: it must be the same run. */
  readonly twiceEvery: number;
}

/** The build's file for a thread that runs seeds. */
export const THREAD_FILE = "simulation/dst/thread.js";

/** Runs a range of seeds in a thread of its own; rejects when that takes longer than `mostMs`, or breaks. */
export function seedsInThread(
  file: string | URL,
  range: SeedRange,
  mostMs: number,
  onResult: (result: SeedResult) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(file, { workerData: range });
    const timer = setTimeout(() => {
      reject(new Error(`no end after ${Math.round(mostMs / 1000)} s`));
      void worker.terminate();
    }, mostMs);
    worker.on("message", onResult);
    worker.on("error", reject);
    worker.on("exit", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
