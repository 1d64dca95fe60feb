import fc from "fast-check";
import { expect, test } from "vitest";
import { correctionOf } from "../../src/client/control.ts";
import { followFrames } from "../../src/client/model-chain.ts";
import type { StateStore } from "../../src/client/state.ts";
import type { Coordinator } from "../../src/coordinator/coordinator.ts";
import { sleep } from "../../src/model/clock.ts";
import { countOf } from "../../src/model/dataset.ts";
import type { PlanRule, Task } from "../../src/model/protocol.ts";
import { derive } from "../../src/model/rng.ts";
import { mapParams, type Params } from "../../src/model/tensor.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import type { World } from "../../src/simulation/world.ts";
import type { Trainer, TrainTask } from "../../src/trainer/trainer.ts";
import { decodeFrame, encodeFrame } from "../../src/wire/frame.ts";
import type { ControlFrame } from "../../src/wire/kinds.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import {
  dense,
  factory,
  open,
  options,
  type RunningClient,
  startClient,
  world,
} from "../suites/federation.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const scaffold = { strategy: "scaffold" as const };
/** Whatever they have of examples. */
const alike = { ...scaffold, weightCap: 1 };
const flat = (params: Params) => [...params.values()].flatMap(({ data }) => [...data]);

/** Client i pulls every coordinate to its target, with its own curvature, in so many steps of the task's rate. */
function quadratic(
  virtual: World,
  of: (client: number) => { target: number; curvature: number; steps: number },
): Trainer {
  const train = async (task: TrainTask, signal: AbortSignal) => {
    await sleep(virtual.clock, 1000, signal);
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
async function controlOf({ service, book }: Coordinator): Promise<Float32Array> {
  const session = service.open("looks-on");
  if ("code" in session) expect.fail("the coordinator takes another client");
  const frames = await session.fetchModel({ held: null, version: book.held().version });
  session.close();
  const frame = decodeFrame(frames.at(-1)!, defaultLimits);
  if (frame.kind !== "control") expect.fail("a download ends with the control variate");
  expect(frame.version).toBe(book.held().version);
  return frame.values;
}

const ownOf = async ({ store }: { readonly store: StateStore }) => (await store.load())?.controls.own ?? null;

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
    const train = { optimizer: { sgd: { learningRate: 0.5, momentum: 0 } } };
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
        train: { optimizer: { sgd: { learningRate: 0.1, momentum } } },
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

test("who takes more steps counts no more: c is the mean gradient, the model moves by the mean number of steps", async () => {
  const virtual = world();
  const settings = options({ rounds: 1, goal: 2, uplink: dense, downlink: dense, aggregation: alike });
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

test("a report that comes to nothing leaves the client's control variate as it was", async () => {
  for (const how of ["refused", "dropped"] as const) {
    const virtual = world();
    const settings = options({ rounds: 3, goal: 1, uplink: dense, downlink: dense, aggregation: scaffold });
    const coordinator = await open(memoryDisk(), virtual, settings);
    const seen: (Params | null)[] = [];
    let reports = 0;
    const client: RunningClient = startClient(1, coordinator.service, virtual, {
      trainer: {
        ...quadratic(virtual, () => ({ target: 1, curvature: 0.5, steps: 2 })),
        train: async (task, signal) => {
          seen.push(await ownOf(client));
          return quadratic(virtual, () => ({ target: 1, curvature: 0.5, steps: 2 })).train(task, signal);
        },
      },
      link: (link) => ({
        ...link,
        report: async (...args) => {
          if (++reports !== 2 || how !== "refused") return link.report(...args);
          return { kind: "refused", refusal: { code: "wrong-round", detail: "late", retry: true } };
        },
        checkIn: async (...args) => {
          const reply = await link.checkIn(...args);
          if (how !== "dropped" || reports !== 2 || reply.kind === "refused" || reply.verdict === null)
            return reply;
          return { ...reply, verdict: { ...reply.verdict, outcome: "dropped", version: null } };
        },
      }),
    });
    await virtual.run(client.end);
    expect(seen[0]).toBeNull();
    expect(seen[1]).not.toBeNull();
    expect(seen[2]).toEqual(seen[1]);
    const state = (await client.store.load())!;
    expect(state.pending).toBeNull();
    expect(flat(state.controls.own!)).not.toEqual(flat(seen[2]!));
  }
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

test("a download that does not bring the control variate of its version is refused", async () => {
  const settings = options({ rounds: 2, goal: 2, aggregation: scaffold, downlink: dense });
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, settings);
  const clients = [1, 2].map((i) => startClient(i, coordinator.service, virtual));
  await virtual.run(Promise.all(clients.map(({ end }) => end)));
  const { contract } = settings;
  const task: Task = {
    runId: "test-run",
    round: 3,
    base: coordinator.book.held(),
    model: contract.source,
    manifest: contract.manifest,
    train: contract.train,
    uplink: contract.uplink,
    downlink: contract.downlink,
    exponents: [],
    reportDeadlineMs: 1,
    sharedSeed: 0,
  };
  const follow = (frames: readonly Uint8Array[], of: Task = task) =>
    followFrames(null, frames, of, factory, defaultLimits);
  const { frames } = coordinator.book.catchUp(null);
  const model = frames.slice(0, -1);
  const control = decodeFrame(frames.at(-1)!, defaultLimits);
  if (control.kind !== "control") expect.fail("the control variate comes last");
  const changed = (change: Partial<ControlFrame>) => [...model, encodeFrame({ ...control, ...change })];
  expect(flat(follow(frames).control!)).toEqual([...control.values]);
  expect(coordinator.book.catchUp(coordinator.book.held()).frames).toEqual([]);
  const { controlVariates: _, ...plain } = contract.train;
  for (const [code, attempt] of [
    ["truncated", () => follow(model)],
    ["wrong-base", () => follow(changed({ version: 1 }))],
    ["wrong-base", () => follow(frames.slice(-1))],
    ["wrong-manifest", () => follow(changed({ manifest: 1 }))],
    ["bad-shape", () => follow(changed({ values: control.values.slice(1) }))],
    ["bad-kind", () => follow([...frames, frames.at(-1)!])],
    ["bad-kind", () => follow(frames, { ...task, train: plain })],
  ] as const)
    expect(wireErrorCode(attempt), code).toBe(code);
});

test("a correction is c - c_i, and none while both are zero", () => {
  const of = (...values: number[]): Params =>
    new Map([["w", { shape: [2], data: Float32Array.from(values) }]]);
  expect(correctionOf({ shared: null, own: null })).toBeUndefined();
  expect(flat(correctionOf({ shared: of(1, 2), own: null })!)).toEqual([1, 2]);
  expect(flat(correctionOf({ shared: null, own: of(1, 2) })!)).toEqual([-1, -2]);
  expect(flat(correctionOf({ shared: of(5, 7), own: of(1, 2) })!)).toEqual([4, 5]);
});
