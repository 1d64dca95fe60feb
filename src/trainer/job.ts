import { ConfigError, type ConfigProblem } from "../model/error.ts";
import type { EngineChoice, EngineName } from "./choice.ts";
import type { OwnModel } from "./own/own-model.ts";
import type { EpochReport, EvaluateTask, Metrics, TrainResult, TrainTask } from "./trainer.ts";

/** What a worker thread is started with. */
export interface WorkerData {
  readonly engine: EngineChoice;
  readonly own: readonly OwnModel[];
}

/** What the pool and its worker threads say to each other. */
export type ToWorker =
  | { readonly type: "start"; readonly job: number; readonly work: Work }
  | { readonly type: "abort"; readonly job: number };

export type FromWorker =
  | { readonly type: "ready"; readonly engine: EngineName; readonly warning: string | null }
  | { readonly type: "epoch"; readonly job: number; readonly report: EpochReport }
  | { readonly type: "done"; readonly job: number; readonly result: WorkResult }
  | { readonly type: "failed"; readonly job: number; readonly failure: Failure };

export type Work =
  | { readonly kind: "train"; readonly task: TrainTask }
  | { readonly kind: "evaluate"; readonly task: EvaluateTask }
  | { readonly kind: "predict"; readonly task: EvaluateTask };

export type WorkResult = TrainResult | Metrics | Float32Array;

/** An error in a form that survives the way between threads, which keeps no class and no field of ours. */
export type Failure =
  | { readonly kind: "config"; readonly problems: readonly ConfigProblem[] }
  | { readonly kind: "error"; readonly message: string; readonly stack: string | undefined };

export function failureOf(error: unknown): Failure {
  if (error instanceof ConfigError) return { kind: "config", problems: error.problems };
  if (error instanceof Error) return { kind: "error", message: error.message, stack: error.stack };
  return { kind: "error", message: String(error), stack: undefined };
}

export function errorOf(failure: Failure): Error {
  if (failure.kind === "config") return new ConfigError(failure.problems);
  const error = new Error(failure.message);
  if (failure.stack !== undefined) error.stack = failure.stack;
  return error;
}
