import { expect, test } from "vitest";
import { correctionOf } from "../../src/client/control.ts";
import { followFrames } from "../../src/client/model-chain.ts";
import type { Task } from "../../src/model/protocol.ts";
import type { Params } from "../../src/model/tensor.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
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
import { flat, ownOf, quadratic, scaffold } from "../suites/scaffold.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

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
    heartbeatMs: 1,
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
