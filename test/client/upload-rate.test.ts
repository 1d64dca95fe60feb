import { expect, test } from "vitest";
import { courier } from "../../src/client/courier.ts";
import { type CoordinatorLink, LinkError } from "../../src/client/link.ts";
import { type ClientEvent, clientLoop } from "../../src/client/loop.ts";
import { budgetBytes, uploadRate } from "../../src/client/upload-rate.ts";
import { manifestOf } from "../../src/model/manifest.ts";
import type { PlanRule } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import type { Params } from "../../src/model/tensor.ts";
import { localLink } from "../../src/simulation/local-link.ts";
import { memoryDisk, memoryStore } from "../../src/simulation/memory.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { dataset, open, options, world } from "../suites/federation.ts";

const never = new AbortController().signal;

test("a rate is of bytes that went out over the time they took, the newest counting most", () => {
  const rate = uploadRate();
  expect(rate.bytesPerSecond()).toBeNull();
  rate.sent(1000, 500);
  expect(rate.bytesPerSecond()).toBe(2000);
  rate.sent(0, 9000);
  expect(rate.bytesPerSecond()).toBe(2000);
  rate.sent(500, 2000);
  expect(rate.bytesPerSecond()).toBeCloseTo((1000 * 1000) / 2250, 9);
});

test("a budget in seconds has a start, and bounds either way; one in bytes is what it is", () => {
  const seconds = { secondsPerRound: 2 };
  expect(budgetBytes({ bytesPerRound: 700 }, 5, 5, 10)).toBe(700);
  expect(budgetBytes(seconds, 800, undefined, 100_000)).toBe(1600);
  expect(budgetBytes(seconds, null, 700, 100_000)).toBe(1400);
  expect(budgetBytes(seconds, null, undefined, 100_000)).toBe(1000);
  expect(budgetBytes(seconds, 1, 700, 100_000)).toBe(256);
  expect(budgetBytes(seconds, 1, undefined, 10_000_000)).toBe(4882);
  expect(budgetBytes(seconds, 1e9, undefined, 100_000)).toBe(6250);
});

test("of an upload that breaks what arrived is counted, over the time that it took", async () => {
  const virtual = world();
  const rate = uploadRate();
  let tries = 0;
  const link = {
    inquire: async () => ({ kind: "wanted", receivedBytes: 400 }),
    report: async (report: object, frame: Uint8Array, offset: number) => {
      await new Promise<void>((done) => virtual.after(frame.length - offset, done));
      if (tries++ === 0) throw new LinkError("broke");
      return { kind: "accepted", report };
    },
  } as unknown as CoordinatorLink;
  const reports = courier({ link, log: () => {}, clock: virtual.clock }, () => {}, rate);
  const report = { round: 1, digest: "00".repeat(32) };
  const pending = { report, frame: new Uint8Array(1000) } as unknown as Parameters<typeof reports.deliver>[0];
  reports.isNew(report);
  await virtual.run(expect(reports.deliver(pending, never)).rejects.toThrow("broke"));
  expect(rate.bytesPerSecond()).toBeNull();
  await virtual.run(reports.deliver(pending, never));
  // 400 bytes in 1,000 ms, half of which counts, and then 600 in 600 ms
  expect(rate.bytesPerSecond()).toBeCloseTo((1000 * (200 + 600)) / (500 + 600), 9);
});

const SIZE = 60_000;
const initial: Params = new Map([["a", { shape: [SIZE], data: new Float32Array(SIZE) }]]);

/** A client on a link of so many bytes a second: what it said of each of its reports. */
async function encodedOn(bytesPerSecond: number, latencyMs: number, budget: object, rounds: number) {
  const virtual = world();
  const uplink = [
    { tensors: "*", codec: { select: { budget }, values: "ternary" }, errorFeedback: true },
  ] as unknown as readonly PlanRule[];
  const settings = options({ rounds, goal: 1, minimum: 1, uplink });
  const coordinator = await open(memoryDisk(), virtual, {
    ...settings,
    contract: { ...settings.contract, initial, manifest: manifestOf(initial) },
  });
  const device = {
    samplesPerSecond: 1,
    latencyMs,
    uplinkBytesPerSecond: bytesPerSecond,
    downlinkBytesPerSecond: 1e9,
  };
  const rng = derive(1, "uploads");
  const trainer: Trainer = {
    engine: "test",
    train: async ({ params }: { readonly params: Params }) => ({
      params: new Map(
        [...params].map(([name, { shape, data }]) => [
          name,
          { shape, data: data.map((v) => v + gaussian(rng)) },
        ]),
      ),
      trainLoss: 1,
      numSteps: 1,
    }),
    evaluate: async () => ({ accuracy: 0, loss: 0 }),
    close: async () => {},
  } as unknown as Trainer;
  const said: Extract<ClientEvent, { type: "encoded" }>[] = [];
  const end = clientLoop(
    { clientId: "client-1", dataset: dataset(1), limits: defaultLimits },
    {
      link: localLink(coordinator.service, "client-1", device, virtual),
      trainer,
      store: memoryStore(),
      clock: virtual.clock,
      factory: () => initial,
      rng: derive(1, "test"),
      log: (event) => {
        if (event.type === "encoded") said.push(event);
      },
    },
    never,
  );
  await virtual.run(end);
  const accepted = coordinator.events.flatMap((event) => (event.type === "report.accepted" ? [event] : []));
  return { said, accepted };
}

test("reports come to take the seconds that they may, on any link, within the bounds", async () => {
  const dense = 4 * SIZE;
  for (const [bytesPerSecond, latencyMs, expected] of [
    [1000, 0, 2000],
    [1000, 500, 1500],
    [10, 0, 256],
    [1e6, 20, dense / 64],
  ] as const) {
    const { said } = await encodedOn(bytesPerSecond, latencyMs, { secondsPerRound: 2 }, 12);
    expect(said).toHaveLength(12);
    expect(said[0]!.budget).toBe(dense / 400);
    for (const { bytes, budget } of said) {
      expect(bytes).toBeLessThanOrEqual(budget!);
      expect(bytes).toBeGreaterThanOrEqual(0.97 * budget!);
    }
    const last = said.at(-1)!;
    expect(last.budget! / expected).toBeGreaterThan(0.9);
    expect(last.budget! / expected).toBeLessThan(1.1);
  }
});

test("what was chosen is said at both ends", async () => {
  const { said, accepted } = await encodedOn(1e6, 1, { bytesPerRound: 1500 }, 3);
  expect(accepted.map(({ bytes }) => bytes)).toEqual(said.map(({ bytes }) => bytes));
  expect(accepted.map(({ density }) => density)).toEqual(said.map(({ density }) => density));
  for (const { bytes, budget, lambda } of said) {
    expect(budget).toBe(1500);
    expect(bytes).toBeGreaterThanOrEqual(1455);
    expect(bytes).toBeLessThanOrEqual(1500);
    expect(lambda).toBeGreaterThan(0);
  }
});
