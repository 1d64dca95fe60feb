import type { ClientId } from "../../model/message.ts";
import { derive } from "../../model/rng.ts";
import { mapParams, type Params } from "../../model/tensor.ts";
import type { Trainer, TrainTask } from "../../trainer/trainer.ts";
import { never, type Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/** What a training came to: the delta in float64, of all the model that was trained. */
export type TrueDelta = ReadonlyMap<string, Float64Array>;

/**
 * Training as a pure function of its task: a step towards a point of the client's own, and noise. It takes virtual time
 * and stops with its process; everything else about it is real.
 */
export function simulatedTrainer(
  process: Process,
  clientId: ClientId,
  time: Scheduler,
  msPerStep: number,
  onTrained: (task: TrainTask, delta: TrueDelta) => void,
): Trainer {
  return {
    engine: "simulated",
    train: (task, signal) => {
      if (!process.call()) return never();
      return new Promise((resolve, reject) => {
        const { dataset, epochs, batchSize } = task;
        const numSteps = epochs * Math.ceil(dataset.labels.length / batchSize);
        const cancel = time.after(msPerStep * numSteps, () =>
          process.deliver(() => {
            signal.removeEventListener("abort", abort);
            if (!process.call()) return;
            const params = trained(task, clientId, numSteps);
            onTrained(task, differenceOf(task.params, params));
            resolve({
              params,
              numSteps,
              trainLoss: Math.fround(2 / (1 + numSteps) + 0.01 * (task.seed % 7)),
            });
          }),
        );
        const abort = (): void => {
          cancel();
          reject(signal.reason);
        };
        if (signal.aborted) return abort();
        signal.addEventListener("abort", abort, { once: true });
      });
    },
    evaluate: async () => ({ accuracy: 0, loss: 0 }),
    predict: async () => new Float32Array(0),
    close: async () => {},
  };
}

function trained(task: TrainTask, clientId: ClientId, numSteps: number): Params {
  const towards = derive(7, "goal", clientId);
  const noise = derive(task.seed, "noise");
  const rate = 0.05 * (1 - 0.9 ** numSteps);
  return mapParams(task.params, ({ data }, name) => {
    const correction = task.correction?.get(name)?.data;
    const mask = task.masks?.get(name);
    return data.map((v, i) => {
      if (mask && mask[i] === 0) return v;
      const goal = 2 * towards.uniform() - 1;
      const pace = data.length < LARGE ? 1 : (Math.imul(i, 0x9e3779b1) / 2 ** 31) ** 8;
      const step = pace * (rate * (goal - v) + 0.02 * (noise.uniform() - 0.5));
      return v + step - 0.001 * (correction?.[i] ?? 0);
    });
  });
}

/** Where there is so much of it, some of a tensor moves much more than other: what was broadcast tells what will be. */
const LARGE = 100;

/** In float32, as the difference of two models is made everywhere. */
const differenceOf = (before: Params, after: Params): TrueDelta =>
  new Map(
    [...before].map(([name, { data }]) => [
      name,
      Float64Array.from(data, (v, i) => Math.fround(after.get(name)!.data[i]! - v)),
    ]),
  );
