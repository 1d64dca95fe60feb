import { setMaxListeners } from "node:events";
import { type EngineName, type TrainerOptions, warnOnStderr } from "./choice.ts";
import type { Trainer } from "./trainer.ts";

/** Training in this thread, one job at a time; jobs let the event loop turn every few batches. Loads tfjs. */
export async function localTrainer({
  engine: choice = "auto",
  warn = warnOnStderr,
  own = [],
}: TrainerOptions = {}): Promise<Trainer & { readonly engine: EngineName }> {
  const [{ openEngineFor, warningOf }, { train }, { evaluate, predict }, { plansWith }] = await Promise.all([
    import("./engines.ts"),
    import("./train.ts"),
    import("./evaluate.ts"),
    import("./plans.ts"),
  ]);
  const engine = await openEngineFor(choice);
  const warning = warningOf(engine);
  if (warning !== null) warn(warning);
  const planOf = await plansWith(own);
  const alone = oneAtATime();
  return {
    engine: engine.name,
    train: (task, signal, onEpoch) =>
      alone(async () => train(engine, planOf(task.architecture), task, signal, onEpoch), signal),
    evaluate: (task, signal) =>
      alone(async () => evaluate(engine, planOf(task.architecture), task, signal), signal),
    predict: (task, signal) =>
      alone(async () => predict(engine, planOf(task.architecture), task, signal), signal),
    close: () => alone(async () => {}, new AbortController().signal),
  };
}

/** Jobs share one model instance, so each waits for the one before it; an abort rejects at once even so. */
function oneAtATime(): <T>(job: () => Promise<T>, signal: AbortSignal) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (job, signal) => {
    if (signal.aborted) return Promise.reject(signal.reason);
    const result = last.then(job);
    last = result.catch(() => {});
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason);
      setMaxListeners(0, signal); // a caller may queue any number of jobs under one signal
      signal.addEventListener("abort", onAbort);
      void result.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    });
  };
}
