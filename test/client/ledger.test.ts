import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { noControls } from "../../src/client/control.ts";
import { faded, rolledBack } from "../../src/client/ledger.ts";
import type { ClientState } from "../../src/client/state.ts";
import { encodeDelta } from "../../src/compress/error-feedback.ts";
import { ownedPlan } from "../../src/compress/owned.ts";
import { gather, planGroups } from "../../src/compress/plan.ts";
import type { PlanRule, ResidualDecay } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { type Params, toDense } from "../../src/model/tensor.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import { decodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { decodeUpdate } from "../../src/wire/update.ts";
import { halfWay, open, options, startClient, topKTernary, world } from "../suites/federation.ts";

const plan: readonly PlanRule[] = [
  { tensors: "kernel", codec: { select: { topK: 0.2 }, values: "ternary" }, errorFeedback: true },
  { tensors: "*", codec: { select: "all", values: "float16" }, errorFeedback: false },
];
const manifest = {
  tensors: [
    { name: "kernel", shape: [4, 5] },
    { name: "bias", shape: [3] },
  ],
};
const groups = planGroups(plan, manifest, "uplink");

describe("an absence", () => {
  const state = {
    residual: [Float32Array.from({ length: 20 }, (_, i) => i), null],
    lastRound: 10,
    discarded: [],
  };
  const decay: ResidualDecay = { afterRounds: 3, factor: 0.5 };

  it("fades what is owed for every round beyond those allowed, by hand", () => {
    for (const [round, roundsMissed, share] of [
      [10, 0, 1],
      [11, 0, 1],
      [14, 3, 1],
      [15, 4, 0.5],
      [17, 6, 0.125],
    ] as const) {
      const after = faded(state, round, groups, decay);
      expect(after).toMatchObject({ roundsMissed, share });
      expect([...after.residual[0]!]).toEqual([...state.residual[0]!].map((v) => share * v));
      expect(after.residual[1]).toBeNull();
      if (share === 1) expect(after.discarded).toBe(state.discarded);
      else {
        expect([...after.discarded[0]!]).toEqual([...state.residual[0]!].map((v) => (1 - share) * v));
        expect([...after.discarded[1]!]).toEqual([0, 0, 0]);
      }
    }
  });

  it("changes nothing without a setting, or before the first report", () => {
    expect(faded(state, 1000, groups, undefined)).toMatchObject({ share: 1, residual: state.residual });
    const fresh = faded({ residual: null, lastRound: null, discarded: [] }, 1000, groups, decay);
    expect(fresh).toMatchObject({ roundsMissed: 0, share: 1, discarded: [] });
    expect([...fresh.residual[0]!]).toEqual(new Array(20).fill(0));
  });

  it("drops all of it at once with a factor of zero", () => {
    const { residual, discarded } = faded(state, 15, groups, { afterRounds: 3, factor: 0 });
    expect([...residual[0]!]).toEqual(new Array(20).fill(0));
    expect([...discarded[0]!]).toEqual([...state.residual[0]!]);
  });
});

test("property: folded + residual + discarded is all that was trained, whatever was missed and refused", () => {
  const visits = fc.array(fc.record({ missed: fc.nat(12), folded: fc.boolean() }), { maxLength: 25 });
  const decays = fc.record({ afterRounds: fc.nat(4), factor: fc.double({ min: 0, max: 0.99, noNaN: true }) });
  fc.assert(
    fc.property(visits, decays, fc.nat(1000), (history, decay, seed) => {
      let state: ClientState = {
        runId: "run",
        held: { version: 0, digest: "", params: new Map(), history: null },
        masks: null,
        residual: null,
        controls: noControls,
        lastRound: null,
        discarded: [],
        pending: null,
      };
      const sums = Array.from({ length: 2 }, () => new Float64Array(20)); // folded, trained
      const add = (sum: Float64Array, more: ArrayLike<number>) => {
        for (let j = 0; j < 20; j++) sum[j]! += more[j]!;
      };
      let round = 0;
      for (const { missed, folded } of history) {
        round += 1 + missed;
        const delta: Params = new Map(
          manifest.tensors.map(({ name, shape }) => {
            const rng = derive(seed, name, round);
            const length = shape.reduce((a, b) => a * b, 1);
            return [name, { shape, data: Float32Array.from({ length }, () => gaussian(rng)) }];
          }),
        );
        const { residual: residualBefore, discarded } = faded(state, round, groups, decay);
        const { sent, residual } = encodeDelta(groups, delta, residualBefore, 1, round);
        const trained = groups.map((group) => gather(group, delta));
        const pending = {
          report: { round, digest: "" },
          frame: new Uint8Array(),
          plain: null,
          residualBefore,
          delta: trained,
          ownControl: null,
        };
        state = { ...state, residual, lastRound: round, discarded, pending };
        add(sums[1]!, trained[0]!);
        if (folded) add(sums[0]!, toDense(sent.get("kernel")!));
        state = folded ? { ...state, pending: null } : rolledBack(state, pending);
      }
      if (history.length === 0) return;
      const [foldedSum, trainedSum] = sums as [Float64Array, Float64Array];
      for (let j = 0; j < 20; j++)
        expect(foldedSum[j]! + state.residual![0]![j]! + (state.discarded[0]?.[j] ?? 0)).toBeCloseTo(
          trainedSum[j]!,
          4,
        );
    }),
    { numRuns: 200 },
  );
});

test("a client that comes back after rounds without it has what it owed faded, and keeps its books", async () => {
  const settings = options({ rounds: 14, goal: 1 });
  const { contract } = settings;
  const train = { ...contract.train, residualDecay: { afterRounds: 2, factor: 0.5 } };
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, { ...settings, contract: { ...contract, train } });
  const plan = ownedPlan(topKTernary, contract.manifest, null, "uplink");
  const folded = new Float64Array(72);
  const trained = new Float64Array(72);
  const flat = (params: Params) => [...params.values()].flatMap(({ data }) => [...data]);
  // With a goal of one, what is accepted is folded; a round whose client is gone ends after a minute.
  const service: typeof coordinator.service = {
    ...coordinator.service,
    open(clientId, onExpired) {
      const session = coordinator.service.open(clientId, onExpired);
      if (!("report" in session)) return session;
      return {
        ...session,
        async report(report, frame) {
          const receipt = await session.report(report, frame);
          const read = decodeFrame(frame, defaultLimits);
          if (receipt.kind === "accepted" && read.kind === "update")
            [...decodeUpdate(read, clientId, plan).tensors.values()]
              .flatMap(({ delta }) => [...toDense(delta)])
              .forEach((v, j) => {
                folded[j]! += v;
              });
          return receipt;
        },
      };
    },
  };
  const trainer = halfWay(virtual);
  const counted: typeof trainer = {
    ...trainer,
    train: async (task, signal) => {
      const result = await trainer.train(task, signal);
      const before = flat(task.params);
      flat(result.params).forEach((v, j) => {
        trained[j]! += v - before[j]!;
      });
      return result;
    },
  };
  const first = startClient(1, service, virtual, { trainer: counted });
  virtual.after(4_500, async () => {
    await first.kill();
    const other = startClient(2, coordinator.service, virtual);
    virtual.after(66_000, async () => {
      await other.kill();
      again = startClient(1, service, virtual, { trainer: counted, store: first.store });
    });
  });
  let again = first;
  await virtual.run(coordinator.finished);
  await virtual.run(again.end);

  const events = again.events.filter(({ type }) => type === "faded");
  expect(events).toHaveLength(1);
  const [event] = events as readonly { readonly roundsMissed: number; readonly share: number }[];
  expect(event!.roundsMissed).toBeGreaterThan(3);
  expect(event!.share).toBe(0.5 ** (event!.roundsMissed - 2));
  const { residual, discarded } = (await again.store.load())!;
  expect(discarded[0]!.some((v) => v !== 0)).toBe(true);
  for (let j = 0; j < 72; j++)
    expect(folded[j]! + residual![0]![j]! + discarded[0]![j]!).toBeCloseTo(trained[j]!, 4);
});
