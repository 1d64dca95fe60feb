import { type TrainerOptions, warnOnStderr } from "./choice.ts";
import type { Trainer } from "./trainer.ts";

/** Training in this thread, one job at a time; jobs let the event loop turn every few batches. Loads tfjs. */
export async function localTrainer({
  engine: choice = "auto",
  warn = warnOnStderr,
}: TrainerOptions = {}): Promise<Trainer> {
  const [{ openEngineFor, warningOf }, { train }, { evaluate, predict }] = await Promise.all([
    import("./engines.ts"),
    import("./train.ts"),
    import("./evaluate.ts"),
  ]);
  const engine = await openEngineFor(choice);
  const warning = warningOf(engine);
  if (warning !== null) warn(warning);
  const alone = oneAtATime();
  return {
    train: (task, signal, onEpoch) => alone(() => train(engine, task, signal, onEpoch), signal),
    evaluate: (task, signal) => alone(() => evaluate(engine, task, signal), signal),
    predict: (task, signal) => alone(() => predict(engine, task, signal), signal),
    close: () => alone(async () => {}, new AbortController().signal),
  };
}

/** Jobs share one model instance, so each waits for the one before it; an abort rejects at once even so. */
function oneAtATime(): <T>(job: () => Promise<T>, signal: AbortSignal) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (job, signal) => {
    const result = last.then(job);
    last = result.catch(() => {});
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener("abort", onAbort);
      void result.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
    });
  };
}
