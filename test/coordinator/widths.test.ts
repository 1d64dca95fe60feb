import { expect, test } from "vitest";
import { manifestOf, numParams } from "../../src/model/manifest.ts";
import { maskIn } from "../../src/model/masks.ts";
import { mapParams } from "../../src/model/tensor.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import { subModels } from "../../src/trainer/submodels.ts";
import type { Trainer, TrainTask } from "../../src/trainer/trainer.ts";
import { initialParams } from "../../src/trainer/zoo.ts";
import { dense, halfWay, open, options, startClient, topKTernary, world } from "../suites/federation.ts";

const zoo = "tiny-cnn";
const parts = subModels(zoo, [1, 0.5, 0.25], 1);
const initial = initialParams(zoo, 7);
const manifest = manifestOf(initial);

/** Client k adds k/8 to whatever it is given to train. */
function federate(settings: Parameters<typeof options>[0], disk = memoryDisk()) {
  const virtual = world();
  const plain = options({ ...settings, subModels: parts });
  const contract = { ...plain.contract, source: { zoo, seed: 7 }, initial, manifest };
  const trained: TrainTask[] = [];
  const adding = (k: number): Trainer => ({
    ...halfWay(virtual),
    train: async (task) => {
      trained.push(task);
      return {
        params: mapParams(task.params, ({ data }) => data.map((v) => v + k / 8)),
        numSteps: 1,
        trainLoss: 1,
      };
    },
  });
  const run = async () => {
    const coordinator = await open(disk, virtual, { ...plain, contract });
    const clients = parts.map(({ memoryBytes }, i) =>
      startClient(i + 1, coordinator.service, virtual, {
        trainer: adding(i + 1),
        profile: { memoryBytes },
        factory: initialParams,
      }),
    );
    await virtual.run(Promise.all(clients.map(({ end }) => end)));
    return { coordinator, clients, trained };
  };
  return run();
}

test("every client trains the width that its memory holds, and the fold counts owners, by hand", async () => {
  const { coordinator, trained } = await federate({ rounds: 1, uplink: dense, downlink: dense });
  const given = trained.map(({ architecture, params }) => [architecture, numParams(manifestOf(params))]);
  expect(given.toSorted()).toEqual([
    ["tiny-cnn", 5994],
    ["tiny-cnn-w0.25", 906],
    ["tiny-cnn-w0.5", 2202],
  ]);
  // Weights are 2, 3 and 4 examples, deltas 1/8, 2/8 and 3/8.
  const means = { all: 20 / 9 / 8, two: 8 / 5 / 8, one: 1 / 8 };
  for (const [name, { data }] of coordinator.book.model().params) {
    const [half, quarter] = parts.slice(1).map(({ masks }) => new Set(maskIn(masks, name) ?? data.keys()));
    data.forEach((value, at) => {
      const mean = quarter!.has(at) ? means.all : half!.has(at) ? means.two : means.one;
      expect(value - initial.get(name)!.data[at]!).toBeCloseTo(mean, 5);
    });
  }
});

test("masks come with the first model and are then known by their digest; a narrow report is short", async () => {
  const { coordinator, clients } = await federate({ rounds: 4, uplink: dense });
  const downloads = clients.map(({ events }) =>
    events.flatMap((event) => (event.type === "caught-up" ? [event.frames] : [])),
  );
  expect(downloads).toEqual([
    [1, 1, 1, 1],
    [2, 1, 1, 1],
    [2, 1, 1, 1],
  ]);
  const sizes = clients.map(({ events }) =>
    events.flatMap((event) => (event.type === "receipt" ? [event.bytes] : [])),
  );
  expect(sizes[0]![0]! - sizes[1]![0]!).toBe(4 * (5994 - 2202) + 1); // one more for the length
  expect(coordinator.bytes.totals().uplink).toBe(sizes.flat().reduce((a, b) => a + b, 0));
});

test("what a client does not own is never sent by it, and it owes nothing there", async () => {
  const { clients } = await federate({ rounds: 3, uplink: topKTernary });
  const state = (await clients[2]!.store.load())!;
  let start = 0;
  for (const { name, shape } of manifest.tensors) {
    const size = shape.reduce((n, m) => n * m, 1);
    const owned = new Set(maskIn(state.masks!.masks, name) ?? Array(size).keys());
    state.residual![0]!.subarray(start, start + size).forEach((owed, at) => {
      if (!owned.has(at)) expect(owed).toBe(0);
    });
    start += size;
  }
});

test("a journal with widths folds again to the same model", async () => {
  const disk = memoryDisk();
  const { coordinator } = await federate({ rounds: 3 }, disk);
  const again = await federate({ rounds: 3 }, disk);
  expect(again.coordinator.resumedFinished).toBe(true);
  expect(again.coordinator.book.held()).toEqual(coordinator.book.held());
});
