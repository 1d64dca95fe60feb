import fc from "fast-check";
import { expect, test } from "vitest";
import { wallClock } from "../../src/cli/wall-clock.ts";
import { clientLoop } from "../../src/client/loop.ts";
import { openCoordinator } from "../../src/coordinator/coordinator.ts";
import { countOf } from "../../src/model/dataset.ts";
import type { PlanRule } from "../../src/model/protocol.ts";
import { derive } from "../../src/model/rng.ts";
import { mapParams } from "../../src/model/tensor.ts";
import { memoryDisk, memoryStore } from "../../src/simulation/memory.ts";
import type { TrainTask } from "../../src/trainer/trainer.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { dataset, dense, factory, open, options, startClient, world } from "../suites/federation.ts";
import { alike, controlOf, flat, ownOf, quadratic, scaffold } from "../suites/scaffold.ts";
import { linkTo, serve } from "./grpc/kit.ts";

test("two clients, two rounds, by hand", async () => {
  const byHand = (client: number) =>
    client === 1 ? { target: 4, curvature: 1, steps: 2 } : { target: -8, curvature: 0.5, steps: 2 };
  // Round 1, from 0: client 1 goes 0, 2, 3, so that d = 3/2 and c_1 = -3; client 2 goes 0, -2, -3.5: d = -7/4, c_2 = 3.5.
  // Round 2, from -1/4 with c = 1/4: client 1, corrected by 3.25, goes to 1/4 and 1/2: c_1 = -3 - 1/4 - 3/4;
  // client 2, corrected by -3.25, goes to -9/16 and -51/64: c_2 = 3.5 - 1/4 + 35/64.
  for (const [rounds, model, c, own] of [
    [1, -0.25, 0.25, [-3, 3.5]],
    [2, -0.1484375, -0.1015625, [-4, 3.796875]],
  ] as const) {
    const virtual = world();
    const train = { epochs: 2, optimizer: { sgd: { learningRate: 0.5, momentum: 0 } } };
    const settings = options({
      rounds,
      goal: 2,
      uplink: dense,
      downlink: dense,
      aggregation: alike,
      train,
    });
    const coordinator = await open(memoryDisk(), virtual, settings);
    const trainer = quadratic(virtual, byHand);
    const clients = [1, 2].map((i) => startClient(i, coordinator.service, virtual, { trainer }));
    await virtual.run(Promise.all(clients.map(({ end }) => end)));
    expect(new Set(flat(coordinator.book.model().params))).toEqual(new Set([model]));
    expect(new Set(await controlOf(coordinator))).toEqual(new Set([c]));
    const owns = await Promise.all(clients.map(async (client) => new Set(flat((await ownOf(client))!))));
    expect(owns).toEqual(own.map((v) => new Set([v])));
  }
});

test("property: c is the mean, by examples, of the control variates of all clients that were ever folded", async () => {
  const momentum = fc.constantFrom(0, 0.5, 0.9);
  const cases = fc.record({
    seed: fc.nat(1000),
    clients: fc.integer({ min: 1, max: 6 }),
    rounds: fc.integer({ min: 1, max: 6 }),
    goal: fc.integer({ min: 1, max: 6 }),
    steps: fc.integer({ min: 1, max: 4 }),
    momentum,
    uplink: fc.constantFrom<PlanRule["codec"]>(
      { select: "all", values: "float32" },
      { select: "all", values: { uniform: 8 } },
    ),
  });
  const property = fc.asyncProperty(
    cases,
    async ({ seed, clients: n, rounds, goal, steps, momentum, uplink }) => {
      const virtual = world();
      const settings = options({
        rounds,
        goal: Math.min(goal, n),
        uplink: [{ tensors: "*", codec: uplink, errorFeedback: false }],
        downlink: dense,
        aggregation: { ...scaffold, gates: { normFactor: null } },
        train: { epochs: 4, optimizer: { sgd: { learningRate: 0.1, momentum } } },
      });
      const coordinator = await open(memoryDisk(), virtual, settings);
      const trainer = quadratic(virtual, (client) => {
        const rng = derive(seed, "client", client);
        return { target: rng.uniform(), curvature: 1 + rng.uniform(), steps };
      });
      const clients = Array.from({ length: n }, (_, i) =>
        startClient(i + 1, coordinator.service, virtual, { trainer }),
      );
      await virtual.run(Promise.all(clients.map(({ end }) => end)));
      const c = await controlOf(coordinator);
      const own = (await Promise.all(clients.map(ownOf))).flatMap((params, i) =>
        params === null ? [] : [{ weight: 2 + i, values: flat(params) }],
      );
      expect(own.length).toBeGreaterThanOrEqual(Math.min(goal, n));
      const total = own.reduce((sum, { weight }) => sum + weight, 0);
      for (const [j, value] of c.entries())
        expect(value).toBeCloseTo(own.reduce((sum, one) => sum + one.weight * one.values[j]!, 0) / total, 4);
    },
  );
  await fc.assert(property, { numRuns: 40 });
});

test("over gRPC the same model comes of it, and the same control variates, to the bit", async () => {
  const settings = options({ rounds: 4, goal: 2, uplink: dense, aggregation: scaffold });
  const pull = (client: number) => ({ target: 1 / client, curvature: 0.5 * client, steps: client });
  const virtual = world();
  const trainer = quadratic(virtual, pull);
  const simulated = await open(memoryDisk(), virtual, settings);
  const clients = [1, 2].map((i) => startClient(i, simulated.service, virtual, { trainer }));
  await virtual.run(Promise.all(clients.map(({ end }) => end)));

  const time = wallClock();
  const ports = { disk: memoryDisk(), clock: time, emit: () => {}, evaluate: async () => null };
  const deployed = await openCoordinator(settings, ports);
  const server = await serve(deployed.service);
  const stores = [1, 2].map(() => memoryStore());
  const ends = stores.map((store, i) =>
    clientLoop(
      { clientId: `client-${i + 1}`, dataset: dataset(i + 1), limits: defaultLimits },
      {
        link: linkTo(server, `client-${i + 1}`),
        trainer: quadratic({ clock: time }, pull),
        store,
        clock: time,
        factory,
        rng: derive(1, "client", i),
        log: () => {},
      },
      never.signal,
    ),
  );
  expect(await Promise.all(ends)).toEqual([{ kind: "finished" }, { kind: "finished" }]);
  expect(deployed.book.held()).toEqual(simulated.book.held());
  expect(await controlOf(deployed)).toEqual(await controlOf(simulated));
  for (const [i, store] of stores.entries()) expect(await ownOf({ store })).toEqual(await ownOf(clients[i]!));
});

const never = new AbortController();

test("who takes more steps counts no more: c is the mean gradient, the model moves by the mean number of steps", async () => {
  const virtual = world();
  const settings = options({
    rounds: 1,
    goal: 2,
    uplink: dense,
    downlink: dense,
    aggregation: alike,
    train: { epochs: 3 },
  });
  const coordinator = await open(memoryDisk(), virtual, settings);
  // without curvature there is nothing to drift to: the gradient is that of a slope
  const trainer = {
    ...quadratic(virtual, () => ({ target: 0, curvature: 0, steps: 0 })),
    train: async ({ params, dataset }: TrainTask) => {
      const client = countOf(dataset) - 1;
      const [slope, steps] = client === 1 ? [1, 1] : [-0.5, 3];
      const moved = mapParams(params, ({ data }) => data.map((v) => v - slope * steps));
      return { params: moved, numSteps: steps, trainLoss: 0.5 };
    },
  };
  const clients = [1, 2].map((i) => startClient(i, coordinator.service, virtual, { trainer }));
  await virtual.run(Promise.all(clients.map(({ end }) => end)));
  expect(new Set(await controlOf(coordinator))).toEqual(new Set([0.25]));
  expect(new Set(flat(coordinator.book.model().params))).toEqual(new Set([-0.5]));
});

test("bytes: one float32 a coordinate beside every download but version 0's, and nothing upwards", async () => {
  const run = async (strategy: "fednova" | "scaffold") => {
    const virtual = world();
    const settings = options({ rounds: 4, uplink: dense, downlink: dense, aggregation: { strategy } });
    const coordinator = await open(memoryDisk(), virtual, settings);
    const clients = [1, 2, 3].map((i) => startClient(i, coordinator.service, virtual));
    await virtual.run(Promise.all(clients.map(({ end }) => end)));
    const fetched = coordinator.events.flatMap((e) => (e.type === "model.fetched" ? [e.frames] : []));
    return { fetched, totals: coordinator.bytes.totals() };
  };
  const [plain, controlled] = [await run("fednova"), await run("scaffold")];
  expect(controlled.totals.uplink).toBe(plain.totals.uplink);
  expect(controlled.fetched).toEqual(plain.fetched.map((frames, i) => (i < 3 ? frames : frames + 1)));
  // magic, version, kind, version, manifest, count, 72 values, checksum
  const frameBytes = 4 + 1 + 1 + 1 + 4 + 1 + 4 * 72 + 4;
  expect(controlled.totals.downlink).toBe(plain.totals.downlink + 9 * frameBytes);
});
