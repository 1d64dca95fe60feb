import { expect, test } from "vitest";
import type { AggregationSettings } from "../../src/aggregation/strategy.ts";
import { codec } from "../../src/compress/codec.ts";
import { planDigest } from "../../src/compress/plan.ts";
import { parseConfig } from "../../src/coordinator/config/config.ts";
import { coordinatorOptions } from "../../src/coordinator/options.ts";
import type { CheckedUpdate } from "../../src/coordinator/sessions/report-check.ts";
import { ConfigError } from "../../src/model/error.ts";
import { digestOf, manifestDigest, manifestOf } from "../../src/model/manifest.ts";
import type { ClientSession } from "../../src/model/protocol.ts";
import { derive } from "../../src/model/rng.ts";
import { mapParams } from "../../src/model/tensor.ts";
import { memoryDisk, memoryStore } from "../../src/simulation/memory.ts";
import { initialParams } from "../../src/trainer/zoo.ts";
import { encodeFrame, shortDigest } from "../../src/wire/frame.ts";
import {
  dataset,
  dense,
  halfWay,
  initial,
  open,
  options,
  startClient,
  topKTernary,
  world,
} from "../suites/federation.ts";

const robust = [
  "median",
  "trimmed-mean",
  "krum",
  "multi-krum",
  "bulyan",
  "geometric-median",
  "centered-clipping",
] as const;

test("median, one round: by hand, through frames and journal", async () => {
  const virtual = world();
  const settings = options({
    rounds: 1,
    uplink: dense,
    downlink: dense,
    aggregation: { strategy: "median", attackers: 1 },
  });
  const coordinator = await open(memoryDisk(), virtual, settings);
  for (const i of [1, 2, 3]) startClient(i, coordinator.service, virtual);
  await virtual.run(coordinator.finished);
  const moves = [1, 2, 3].map((i) => dataset(i).inputs.map((v) => 0.5 * v));
  const model = [...coordinator.book.model().params.values()].flatMap(({ data }) => [...data]);
  for (const [j, v] of model.entries()) {
    const [, middle] = moves.map((move) => move[j]!).sort((a, b) => a - b);
    expect(v).toBeCloseTo(middle!, 6);
  }
});

test.each(robust)("%s: a coordinator that dies inside a round comes to the same model", async (strategy) => {
  const settings = options({ aggregation: { strategy, attackers: 0 } });
  const run = async (disk: ReturnType<typeof memoryDisk>, stores: ReturnType<typeof memoryStore>[]) => {
    const virtual = world();
    const coordinator = await open(disk, virtual, settings);
    for (const i of [1, 2, 3]) startClient(i, coordinator.service, virtual, { store: stores[i - 1]! });
    return { coordinator, end: await virtual.run(coordinator.finished.catch((error: Error) => error)) };
  };
  const stores = () => [1, 2, 3].map(() => memoryStore());
  const reference = await run(memoryDisk(), stores());
  const [disk, kept] = [memoryDisk(), stores()];
  let appends = 0;
  const dying = {
    ...disk,
    extend: async (name: string, at: number, bytes: Uint8Array) => {
      if (++appends > 12) throw new Error("power cut");
      await disk.extend(name, at, bytes);
    },
  };
  expect((await run(dying, kept)).end).toBeInstanceOf(Error);
  expect((await run(disk, kept)).coordinator.book.held()).toEqual(reference.coordinator.book.held());
});

/** Five clients; the last reports a hundred times what it learned, from its second round on. */
async function withLargeNorms(aggregation: Partial<AggregationSettings>) {
  const virtual = world();
  const disk = memoryDisk();
  const settings = options({ rounds: 4, goal: 5, minimum: 3, uplink: dense, downlink: dense, aggregation });
  const coordinator = await open(disk, virtual, settings);
  const honest = halfWay(virtual);
  let rounds = 0;
  const hostile = {
    ...honest,
    train: async (...args: Parameters<typeof honest.train>) => {
      const result = await honest.train(...args);
      const factor = ++rounds === 1 ? 1 : 100;
      const params = mapParams(result.params, ({ data }, name) => {
        const before = args[0].params.get(name)!.data;
        return data.map((v, i) => before[i]! + factor * (v - before[i]!));
      });
      return { ...result, params };
    },
  };
  const clients = [1, 2, 3, 4, 5].map((i) =>
    startClient(i, coordinator.service, virtual, i === 5 ? { trainer: hostile } : {}),
  );
  await virtual.run(coordinator.finished);
  return { coordinator, clients, disk, settings };
}

test("the gate refuses a norm far above the usual, by name, and the client rolls back", async () => {
  const { coordinator, clients, disk, settings } = await withLargeNorms({});
  const refused = coordinator.events.filter((event) => event.type === "report.refused");
  expect(refused.length).toBeGreaterThan(0);
  for (const event of refused) expect(event).toMatchObject({ clientId: "client-5", code: "norm-gate" });
  expect(refused[0]!.detail).toMatch(/^the update's norm is [\d.e+]+, at most [\d.]+ is let in$/);
  const largest = Math.max(
    ...[...coordinator.book.model().params.values()].flatMap(({ data }) => [...data].map(Math.abs)),
  );
  expect(largest).toBeLessThan(1); // where the honest want to go
  const state = (await clients[4]!.store.load())!;
  expect(state.discarded.some((vector) => vector.some((v) => v !== 0))).toBe(true);

  // A replay asks no gate and comes to the same; and it goes on with the same idea of what is usual.
  const again = await open(disk, world(), settings);
  expect(again.book.held()).toEqual(coordinator.book.held());
  for (const norm of [0.1, 1, 5, 10, 50, 1e9]) {
    const checked = { norm } as CheckedUpdate;
    expect(again.book.gate(checked)).toBe(coordinator.book.gate(checked));
  }
});

test("a few clients with tiny updates that come first in a round shut nobody out", async () => {
  const virtual = world();
  const settings = options({ rounds: 3, goal: 12, uplink: dense, downlink: dense });
  const coordinator = await open(memoryDisk(), virtual, settings);
  const honest = halfWay(virtual);
  const tiny = {
    ...honest,
    train: async (...args: Parameters<typeof honest.train>) => {
      const result = await honest.train(...args);
      const params = mapParams(args[0].params, ({ data }) => data.map((v) => v + 1e-6));
      return { ...result, params };
    },
  };
  // a client's link is the slower the higher its number
  for (let i = 1; i <= 12; i++) startClient(i, coordinator.service, virtual, i <= 5 ? { trainer: tiny } : {});
  await virtual.run(coordinator.finished);
  expect(coordinator.events.filter(({ type }) => type === "report.refused")).toEqual([]);
  expect(coordinator.book.held().version).toBe(3);
});

test("without the gate the same update is folded", async () => {
  const { coordinator } = await withLargeNorms({ gates: { normFactor: null } });
  expect(coordinator.events.some((event) => event.type === "report.refused")).toBe(false);
  const largest = Math.max(
    ...[...coordinator.book.model().params.values()].flatMap(({ data }) => [...data].map(Math.abs)),
  );
  expect(largest).toBeGreaterThan(1);
});

test.each([
  ["a robust fold", { strategy: "median", attackers: 0 }, false],
  ["an ensemble of teachers", { strategy: "fedavg" }, true],
] as const)("%s keeps updates, and refuses one that takes more memory than the plan has", async (...kept) => {
  const [, aggregation, keepsUpdates] = kept;
  const plain = options({ rounds: 1, goal: 1, aggregation });
  const settings = { ...plain, contract: { ...plain.contract, keepsUpdates } };
  const coordinator = await open(memoryDisk(), world(), settings);
  const session = coordinator.service.open("client-1") as ClientSession;
  await session.checkIn({ runId: null, numExamples: 5, held: null, pending: null });
  const rng = derive(1, "vector");
  const manifest = manifestOf(initial);
  const { payload } = codec({ select: { topK: 0.5 }, values: "ternary" }).encode(
    Float32Array.from({ length: 72 }, () => rng.uniform() - 0.5),
    1,
  );
  const frame = encodeFrame({
    kind: "update",
    round: 1,
    baseVersion: 0,
    manifest: shortDigest(manifestDigest(manifest)),
    plan: shortDigest(planDigest(topKTernary, manifest)),
    numExamples: 5,
    numSteps: 1,
    trainLoss: 1,
    payloads: [payload],
  });
  const receipt = await session.report({ round: 1, digest: digestOf(frame) }, frame);
  expect(receipt).toMatchObject({ kind: "refused", refusal: { code: "too-large" } });
});

const problemsOf = (document: object): readonly string[] => {
  const model = { zoo: "small-cnn" };
  try {
    coordinatorOptions(parseConfig({ model, ...document }), initialParams("small-cnn", 1), "run", null);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
};

test("a config whose rounds could be too small for its strategy is refused", () => {
  const cohort = { goal: 10, minimum: 6 };
  const hostile = "with 2 hostile of a round's reports (aggregation.attackers)";
  expect(problemsOf({ cohort, aggregation: { strategy: "krum" } })).toEqual([
    `cohort.minimum: 6, expected at least 7 for krum ${hostile}`,
  ]);
  expect(problemsOf({ cohort: { goal: 10 }, aggregation: { strategy: "bulyan" } })).toEqual([
    `cohort.minimum: 10, expected at least 11 for bulyan ${hostile}`,
  ]);
  expect(problemsOf({ cohort, aggregation: { strategy: "krum", attackers: 1 } })).toEqual([]);
  expect(problemsOf({ cohort, aggregation: { strategy: "median" } })).toEqual([]);
  expect(problemsOf({ cohort: { ...cohort, maxStaleness: 2 }, aggregation: { strategy: "median" } })).toEqual(
    ["cohort.maxStaleness: 2, expected 0 with median, for which every client counts the same"],
  );
  expect(problemsOf({ cohort, aggregation: { strategy: "median", clipNorm: 2 } })).toEqual([
    "aggregation.clipNorm: 2, expected null with median, which takes updates as they are",
  ]);
});

test("a config whose rounds could be too large for its memory is refused", () => {
  const aggregation = { strategy: "median" };
  const small = (robustBytes: number) => ({ limits: { robustBytes } });
  const uplink = [{ tensors: "*", codec: { values: "float32" } }];
  // small-cnn has 20,522 parameters, in 8 tensors, of 4 bytes each; 64 bytes are for a frame's head, 256 for a payload's
  // and 16 for each of its tensors
  const float32 = 4 * 20_522;
  const report = float32 + 64 + 256 + 16 * 8;
  // and to fold them in, holders of every coordinate, ten values and where they end
  const least = float32 + 4 * 10 + 4;
  const needed = 10 * report + float32 + least;
  expect(problemsOf({ aggregation, uplink, coordinator: small(needed - 1) })).toEqual([
    `coordinator.limits.robustBytes: ${needed - 1}, expected at least ${needed} with strategy median: 10 reports of up ` +
      `to ${report} bytes, ${float32} for one of them decoded, and ${least} to fold them in; ` +
      "or a smaller cohort.goal, or an uplink that selects less",
  ]);
  expect(problemsOf({ aggregation, uplink, coordinator: small(needed) })).toEqual([]);
  // one percent of them: 205 signs, and their places in 4 bytes each
  const sparse = 4 * 205 + 26 + 64 + 256 + 16 * 8;
  const fits = 10 * sparse + 8 * 205 + least;
  expect(problemsOf({ aggregation, coordinator: small(fits - 1) })).toHaveLength(1);
  expect(problemsOf({ aggregation, coordinator: small(fits) })).toEqual([]);
  expect(problemsOf({ coordinator: small(0) })).toEqual([]);
  // a table of distances, 8 bytes a pair, and one update to compare with others
  const cohort = { goal: 10_000 };
  const krum = { strategy: "krum" };
  const pairs = 10_000 * sparse + 8 * 205 + 8 * 205 + 8 * 10_000 ** 2;
  expect(problemsOf({ cohort, aggregation: krum, coordinator: small(pairs) })).toEqual([]);
  expect(problemsOf({ cohort, aggregation: krum, coordinator: small(pairs - 1) })).toHaveLength(1);
  // no frame is larger than frames may be
  const limits = { robustBytes: 10 * 82_500 + float32 + least, frameBytes: 82_500 };
  expect(problemsOf({ aggregation, uplink, coordinator: { limits } })).toEqual([]);
});

test("a config whose frames have no room for the model, or for a history beside it, is refused", () => {
  const rule = { tensors: "*", codec: { select: { topK: 0.01 }, values: "ternary" }, errorFeedback: true };
  const room = (frameBytes: number) => ({ limits: { frameBytes } });
  const none = problemsOf({ uplink: [rule], coordinator: room(82_000) });
  expect(none).toEqual([
    expect.stringMatching(/^coordinator.limits.frameBytes: 82000, expected at least 82\d\d\d /),
  ]);
  const uplink = [{ ...rule, history: true }];
  // eight bytes for each of 16,384 counters, seven for each of 20,522 coordinates
  const [small] = problemsOf({ uplink, coordinator: room(16_384 * 8 + 7 * 20_522) });
  const needed = Number(/expected at least (\d+) /.exec(small!)![1]);
  expect(needed).toBeLessThan(16_384 * 8 + 7 * 20_522 + 200);
  expect(problemsOf({ uplink, coordinator: room(needed) })).toEqual([]);
});

test("a config with less room for uploads than one report takes is refused", () => {
  const uplink = [{ tensors: "*", codec: { values: "float32" } }];
  const report = 4 * 20_522 + 64 + 256 + 16 * 8;
  const room = (uploadBytes: number) => ({ limits: { uploadBytes } });
  expect(problemsOf({ uplink, coordinator: room(report - 1) })).toEqual([
    `coordinator.limits.uploadBytes: ${report - 1}, expected at least ${report}, what one report may take; ` +
      "or an uplink that selects less",
  ]);
  expect(problemsOf({ uplink, coordinator: room(report) })).toEqual([]);
});

test("the model is the same, whatever memory its fold has", async () => {
  for (const strategy of robust) {
    const models = [0, 100, 2 ** 20].map(async (foldBytes) => {
      const virtual = world();
      const settings = options({ aggregation: { strategy, attackers: 0 } });
      const contract = { ...settings.contract, foldBytes };
      const coordinator = await open(memoryDisk(), virtual, { ...settings, contract });
      for (const i of [1, 2, 3]) startClient(i, coordinator.service, virtual);
      await virtual.run(coordinator.finished);
      return coordinator.book.held();
    });
    const [least, little, ample] = await Promise.all(models);
    expect(least).toEqual(ample);
    expect(little).toEqual(ample);
  }
});
