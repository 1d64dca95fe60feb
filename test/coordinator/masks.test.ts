import { expect, test } from "vitest";
import type { MaskRules } from "../../src/aggregation/mask-step.ts";
import { followFrames } from "../../src/client/model-chain.ts";
import type { Coordinator } from "../../src/coordinator/coordinator.ts";
import { modelDigest } from "../../src/model/manifest.ts";
import { intersectionOf, maskIn } from "../../src/model/masks.ts";
import type { HeldModel, PlanRule, Task } from "../../src/model/protocol.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { decodeMasks } from "../../src/wire/masks.ts";
import {
  dense,
  factory,
  initial,
  open,
  options,
  startClient,
  topKTernary,
  world,
} from "../suites/federation.ts";

const half: Partial<MaskRules> = {
  policy: { budget: { density: 0.5, layers: "uniform", by: "magnitude" } },
};

async function federation(settings: Parameters<typeof options>[0]) {
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, options(settings));
  const clients = [1, 2, 3].map((i) => startClient(i, coordinator.service, virtual));
  await virtual.run(Promise.all(clients.map(({ end }) => end)));
  const states = await Promise.all(clients.map(async ({ store }) => (await store.load())!));
  return { coordinator, states };
}

const kernelOf = ({ book }: Coordinator) => book.model().params.get("a")!.data;

test("a budget, by hand: the larger half of the kernel stays, the rest is zero at every end", async () => {
  const free = await federation({ rounds: 1, uplink: dense, downlink: dense });
  const { coordinator } = await federation({ rounds: 1, uplink: dense, downlink: dense, masks: half });
  const all = kernelOf(free.coordinator);
  const sorted = [...all].map(Math.abs).sort((a, b) => b - a);
  expect([...kernelOf(coordinator)]).toEqual([...all].map((v) => (Math.abs(v) >= sorted[31]! ? v : 0)));
  expect(coordinator.book.model().params.get("b")).toEqual(free.coordinator.book.model().params.get("b"));
});

test("what left the model stays out, is owed by nobody, and takes no bytes", async () => {
  const { coordinator, states } = await federation({ rounds: 6, masks: half });
  const kernel = kernelOf(coordinator);
  const owned = [...states[0]!.masks!.masks.get("a")!];
  expect(owned.length).toBe(32);
  kernel.forEach((value, at) => {
    if (!owned.includes(at)) expect(value).toBe(0);
  });
  for (const { masks, residual } of states) {
    expect(masks).toEqual(states[0]!.masks);
    residual![0]!.subarray(0, 64).forEach((owed, at) => {
      if (!owned.includes(at)) expect(owed).toBe(0);
    });
  }
});

test("masks travel when they change; then a round names them and sends values only", async () => {
  const { coordinator } = await federation({ rounds: 6, masks: half, uplink: dense });
  const fetched = coordinator.events.flatMap((e) => (e.type === "model.fetched" ? [e] : []));
  const reports = coordinator.events.flatMap((e) => (e.type === "report.accepted" ? [e] : []));
  // First the origin; then masks of the model, which are the clients', and the delta; from then on deltas.
  expect(fetched.map(({ frames }) => frames)).toEqual([1, 1, 1, 2, 2, 2, ...Array(12).fill(1)]);
  const bytesIn = (round: number) => reports.find((report) => report.round === round)!.bytes;
  expect(bytesIn(1) - bytesIn(2)).toBe(4 * 32); // a dense report has a float32 a coordinate that it owns
});

/** The tasks of a run need no more of it to follow its frames. */
const taskOf = ({ contract }: ReturnType<typeof options>): Task => ({
  runId: "test-run",
  round: 1,
  base: { version: 0, digest: "" },
  model: contract.source,
  manifest: contract.manifest,
  train: contract.train,
  uplink: contract.uplink,
  downlink: contract.downlink,
  exponents: [],
  reportDeadlineMs: 1,
  heartbeatMs: 1,
  sharedSeed: 0,
});

test.each([
  ["deltas", topKTernary],
  ["what restarts it", dense],
])("whoever slept catches up with masks that change, by %s", async (how, downlink) => {
  const masks: Partial<MaskRules> = { ...half, everyRounds: 2, regrow: { fraction: 0.5, numRounds: 100 } };
  const settings = options({ rounds: 4, masks, downlink });
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, settings);
  const first: HeldModel = coordinator.book.held();
  const clients = [1, 2, 3].map((i) => startClient(i, coordinator.service, virtual));
  const sleeper = coordinator.service.open("sleeper");
  if ("code" in sleeper) expect.fail("the coordinator takes another client");
  await virtual.run(Promise.all(clients.map(({ end }) => end)));
  const { version, digest } = coordinator.book.held();
  for (const known of [first, null]) {
    const { frames } = await sleeper.fetchModel({ held: known, version });
    const kinds = frames.map((frame) => decodeFrame(frame, defaultLimits).kind);
    expect(kinds).toContain("masks");
    expect(kinds.some((kind) => kind === "checkpoint" || kind === "patch")).toBe(how !== "deltas");
    const start = known === null ? null : { ...first, params: initial, history: null };
    const { model, own, dropped, restarted } = followFrames(
      start,
      frames,
      taskOf(settings),
      factory,
      defaultLimits,
    );
    expect([model.version, modelDigest(model.params)]).toEqual([version, digest]);
    expect(own).toBeNull();
    expect(restarted).toBe(how !== "deltas");
    expect(dropped).not.toBeNull();
    const all = frames.flatMap((bytes) => {
      const frame = decodeFrame(bytes, defaultLimits);
      return frame.kind === "masks" ? [maskIn(decodeMasks(frame, settings.contract.manifest), "a")] : [];
    });
    expect(dropped!.last.get("a")).toEqual(all.at(-1));
    expect(dropped!.stayed.get("a")).toEqual(all.reduce((a, b) => intersectionOf(a, b)));
  }
});

test.each<[string, PlanRule["codec"]]>([
  ["sign", { select: "all", values: "sign" }],
  ["eden", { select: "all", values: { eden: 2 } }],
  ["one bit of filters", { select: { filters: 0.9 }, values: { uniform: 1 } }],
  ["low rank", { select: { lowRank: 2 }, values: "float32" }],
])("a downlink that turns zeros into values leaves them zero outside of the masks: %s", async (_, codec) => {
  const downlink = [
    { tensors: "a", codec, errorFeedback: true },
    { tensors: "*", codec: dense[0]!.codec, errorFeedback: false },
  ];
  const { coordinator } = await federation({ rounds: 4, masks: half, downlink });
  expect(kernelOf(coordinator).filter((v) => v !== 0).length).toBeLessThanOrEqual(32);
});

test("growing again exchanges some and keeps as many", async () => {
  const masks: Partial<MaskRules> = { ...half, everyRounds: 2, regrow: { fraction: 0.5, numRounds: 100 } };
  const few = await federation({ rounds: 3, uplink: dense, downlink: dense, masks });
  const more = await federation({ rounds: 5, uplink: dense, downlink: dense, masks });
  const [before, after] = [few, more].map(({ states }) => [...states[0]!.masks!.masks.get("a")!]);
  expect([before!.length, after!.length]).toEqual([32, 32]);
  const come = after!.filter((at) => !before!.includes(at));
  expect(come.length).toBeGreaterThan(0);
  expect(come.length).toBeLessThanOrEqual(16);
});
