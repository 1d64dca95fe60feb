import { expect } from "vitest";
import type { StateStore } from "../../src/client/state.ts";
import type { Coordinator } from "../../src/coordinator/coordinator.ts";
import { sleep } from "../../src/model/clock.ts";
import { countOf } from "../../src/model/dataset.ts";
import { mapParams, type Params } from "../../src/model/tensor.ts";
import type { World } from "../../src/simulation/world.ts";
import type { Trainer, TrainTask } from "../../src/trainer/trainer.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";

/** What tests of SCAFFOLD share: training on quadratics, and where the control variates are. */

export const scaffold = { strategy: "scaffold" as const };
/** Whatever they have of examples; as many epochs as steps, then, for no more steps count than there can be. */
export const alike = { ...scaffold, weightCap: 1 };
export const flat = (params: Params) => [...params.values()].flatMap(({ data }) => [...data]);

/** Client i pulls every coordinate to its target, with its own curvature, in so many steps of the task's rate. */
export function quadratic(
  { clock }: Pick<World, "clock">,
  of: (client: number) => { target: number; curvature: number; steps: number },
): Trainer {
  const train = async (task: TrainTask, signal: AbortSignal) => {
    await sleep(clock, 10, signal);
    const { target, curvature, steps } = of(countOf(task.dataset) - 1);
    const rate = "sgd" in task.optimizer ? task.optimizer.sgd.learningRate : Number.NaN;
    const params = mapParams(task.params, ({ data }, name) => {
      const shift = task.correction?.get(name)?.data;
      return data.map((start, j) => {
        let v = start;
        for (let k = 0; k < steps; k++) v -= rate * (curvature * (v - target) + (shift?.[j] ?? 0));
        return v;
      });
    });
    return { params, numSteps: steps, trainLoss: 0.5 };
  };
  return {
    engine: "by hand",
    train,
    evaluate: async () => ({ accuracy: 0, loss: 0 }),
    predict: async () => new Float32Array(),
    close: async () => {},
  };
}

/** What goes down beside the newest version, to a client that has nothing. */
export async function controlOf({ service, book }: Coordinator): Promise<Float32Array> {
  const session = service.open("looks-on");
  if ("code" in session) expect.fail("the coordinator takes another client");
  const { frames } = await session.fetchModel({ held: null, version: book.held().version });
  session.close();
  const frame = decodeFrame(frames.at(-1)!, defaultLimits);
  if (frame.kind !== "control") expect.fail("a download ends with the control variate");
  expect(frame.version).toBe(book.held().version);
  return frame.values;
}

export const ownOf = async ({ store }: { readonly store: StateStore }) =>
  (await store.load())?.controls.own ?? null;
