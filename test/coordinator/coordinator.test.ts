import { expect, test } from "vitest";
import { planGroups } from "../../src/compress/plan.ts";
import { digestOf, manifestOf } from "../../src/model/manifest.ts";
import type { ClientSession, PlanRule } from "../../src/model/protocol.ts";
import { memoryDisk, memoryStore } from "../../src/simulation/memory.ts";
import { decodeFrame, encodeFrame, type UpdateFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import {
  dataset,
  dense,
  halfWay,
  initial,
  open,
  options,
  recordsOn,
  startClient,
  topKTernary,
  world,
} from "../suites/federation.ts";

const values = (params: typeof initial) => [...params.values()].flatMap(({ data }) => [...data]);

async function federation(settings = options({}), disk = memoryDisk()) {
  const virtual = world();
  const coordinator = await open(disk, virtual, settings);
  const clients = [1, 2, 3].map((i) => startClient(i, coordinator.service, virtual));
  await virtual.run(Promise.all(clients.map(({ end }) => end)));
  const outcome = await coordinator.finished;
  return { virtual, coordinator, clients, outcome, disk };
}

test("dense both ways, one round: plain FedAvg, by hand", async () => {
  const { coordinator } = await federation(options({ rounds: 1, uplink: dense, downlink: dense }));
  // Each client goes half of the way from zero to its inputs; the weights are 2, 3 and 4 examples of 9.
  const targets = [1, 2, 3].map((i) => dataset(i).inputs);
  const expected = targets[0]!.map(
    (_, j) => (0.5 * (2 * targets[0]![j]! + 3 * targets[1]![j]! + 4 * targets[2]![j]!)) / 9,
  );
  for (const [j, v] of values(coordinator.book.model().params).entries())
    expect(v).toBeCloseTo(expected[j]!, 6);
});

test("a compressed run ends at its version, everybody is told, and the bytes are those of the events", async () => {
  const { coordinator, clients, outcome } = await federation();
  expect(outcome).toMatchObject({ outcome: "done", metrics: null });
  expect(coordinator.book.held().version).toBe(5);
  for (const { end } of clients) expect(await end).toEqual({ kind: "finished" });
  const sum = (type: "report.accepted" | "model.fetched") =>
    coordinator.events.reduce((n, event) => n + (event.type === type ? event.bytes : 0), 0);
  const totals = coordinator.bytes.totals();
  expect(totals.uplink).toBe(sum("report.accepted"));
  expect(totals.downlink).toBe(sum("model.fetched"));
  expect(totals.denseUplink).toBe(15 * 72 * 4);
  expect(totals.denseDownlink).toBe(15 * 72 * 4);
  expect(totals.ratioTotal).toBeCloseTo(totals.denseTotal / totals.total, 12);
});

test("error feedback: what was folded plus what is owed is all that was trained", async () => {
  // One client, so that the fold is its own update: B_v + server's residual + client's residual = Σ true deltas.
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, options({ rounds: 12, goal: 1, downlink: dense }));
  const trained: Float32Array[] = [];
  const client = startClient(1, coordinator.service, virtual, {
    trainer: {
      ...halfWay(virtual),
      train: async ({ params, dataset: { inputs } }) => {
        const before = Float32Array.from(values(params));
        const after = before.map((v, j) => v + 0.5 * (inputs[j]! - v));
        trained.push(after.map((v, j) => v - before[j]!));
        return {
          params: new Map([
            ["a", { shape: [8, 8], data: after.slice(0, 64) }],
            ["b", { shape: [8], data: after.slice(64) }],
          ]),
          numSteps: 1,
          trainLoss: 0,
        };
      },
    },
  });
  await virtual.run(client.end);
  const state = (await client.store.load())!;
  expect(state.pending).toBeNull();
  const [group] = planGroups(topKTernary, manifestOf(initial), "uplink");
  expect(group!.length).toBe(72);
  const model = values(coordinator.book.model().params);
  for (let j = 0; j < 72; j++) {
    const truth = trained.reduce((sum, delta) => sum + delta[j]!, 0);
    expect(model[j]! + state.residual![0]![j]!).toBeCloseTo(truth, 5);
  }
});

/** Codecs that draw: what a restart encodes again must come out the same. */
const drawn: Parameters<typeof options>[0] = {
  uplink: [{ tensors: "*", codec: { select: { randomK: 0.5 }, values: { qsgd: 8 } }, errorFeedback: true }],
  downlink: [{ tensors: "*", codec: { select: "all", values: { eden: 3 } }, errorFeedback: true }],
};

/** Masks that change every other round. */
const masked: Parameters<typeof options>[0] = {
  masks: {
    policy: { budget: { density: 0.4, layers: "erk", by: "votes-by-magnitude" } },
    everyRounds: 2,
    regrow: { fraction: 0.5, numRounds: 20 },
  },
};

/** Matrices as two factors, from a start that is drawn. */
const lowRank: readonly PlanRule[] = [
  { tensors: "a", codec: { select: { lowRank: 2 }, values: "float16" }, errorFeedback: true },
  ...topKTernary,
];

test.each([
  ["ternary", {}],
  ["drawn", drawn],
  ["masked", masked],
  ["low rank", { uplink: lowRank, downlink: lowRank }],
  ["scaffold", { aggregation: { strategy: "scaffold" as const }, uplink: dense }],
])("a coordinator that dies anywhere goes on from its journal to the same model, %s", async (_, settings) => {
  const reference = (await federation(options(settings))).coordinator.book.held();
  let crashes = 0;
  for (let crashAfter = 1; ; crashAfter++) {
    const disk = memoryDisk();
    const stores = [1, 2, 3].map(() => memoryStore());
    let appends = 0;
    const dying = {
      ...disk,
      extend: async (name: string, at: number, bytes: Uint8Array) => {
        if (++appends > crashAfter) throw new Error("power cut");
        await disk.extend(name, at, bytes);
      },
    };
    const before = world();
    const first = await open(dying, before, options(settings));
    const killed = [1, 2, 3].map((i) => startClient(i, first.service, before, { store: stores[i - 1]! }));
    const ending = await before.run(first.finished.catch((error: Error) => error));
    if (!(ending instanceof Error)) break; // the whole run needs no more appends than that
    expect(ending.message).toBe("power cut");
    crashes++;
    for (const client of killed) await client.kill();

    const after = world();
    const second = await open(disk, after, options(settings));
    expect(second.events[0]).toMatchObject({ type: "run.started" });
    for (const i of [1, 2, 3]) startClient(i, second.service, after, { store: stores[i - 1]! });
    const outcome = await after.run(second.finished);
    expect(outcome.outcome).toBe("done");
    expect(second.book.held(), `crash after ${crashAfter} appends`).toEqual(reference);
  }
  expect(crashes).toBeGreaterThan(15);
});

test("a client that is killed and comes back goes on with its residual, to the same model", async () => {
  const reference = (await federation()).coordinator.book.held();
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, options({}));
  const store = memoryStore();
  const others = [2, 3].map((i) => startClient(i, coordinator.service, virtual));
  const first = startClient(1, coordinator.service, virtual, { store });
  virtual.after(2_500, async () => {
    await first.kill();
    virtual.after(500, () => {
      startClient(1, coordinator.service, virtual, { store });
    });
  });
  await virtual.run(coordinator.finished);
  expect(coordinator.events.filter(({ type }) => type === "client.left").length).toBeGreaterThan(0);
  expect(coordinator.book.held()).toEqual(reference);
  expect(others).toHaveLength(2);
});

test("who comes late catches up by deltas, by what differs from version 0 or by a checkpoint, whichever is smallest", async () => {
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, options({ rounds: 30, goal: 2 }));
  startClient(1, coordinator.service, virtual);
  startClient(2, coordinator.service, virtual);
  let late: ReturnType<typeof startClient> | null = null;
  virtual.after(5_500, () => {
    late = startClient(3, coordinator.service, virtual);
  });
  await virtual.run(coordinator.finished.then(() => late!.end));
  const fetched = coordinator.events.filter(
    (event) => event.type === "model.fetched" && event.clientId === "client-3",
  );
  expect(late!.events.some(({ type }) => type === "caught-up")).toBe(true);
  expect(fetched[0]).toMatchObject({ kind: "patch" });
  expect(coordinator.book.catchUp(null).kind).toBe("checkpoint"); // by the end thirty deltas outweigh 288 bytes
  const state = (await late!.store.load())!;
  const { version, digest } = state.held;
  expect(version).toBeGreaterThan(20);
  expect(coordinator.book.catchUp({ version, digest }).kind).toBe("delta"); // it holds what was broadcast
});

const firstCheckIn = { runId: null, numExamples: 5, held: null, pending: null };

async function honestFrame(): Promise<UpdateFrame> {
  const { disk } = await federation(options({ rounds: 1 }));
  for (const record of await recordsOn(disk)) {
    if (record.type === "accepted") return decodeFrame(record.frame, defaultLimits) as UpdateFrame;
  }
  throw new Error("no report was journaled");
}

test("bad reports are refused with their code, counted, and change nothing", async () => {
  const good = await honestFrame();
  const bad: [string, Uint8Array][] = [
    ["bad-magic", new Uint8Array(60)],
    ["truncated", new Uint8Array(0)],
    ["bad-checksum", encodeFrame(good).map((byte, i) => (i === 20 ? byte ^ 1 : byte))],
    ["wrong-round", encodeFrame({ ...good, round: 99 })],
    ["wrong-base", encodeFrame({ ...good, baseVersion: 3 })],
    ["wrong-manifest", encodeFrame({ ...good, manifest: 1 })],
    ["wrong-plan", encodeFrame({ ...good, plan: 1 })],
    ["bad-shape", encodeFrame({ ...good, payloads: [...good.payloads, ...good.payloads] })],
    ["bad-kind", encodeFrame({ kind: "origin", zoo: "toy", seed: 7, digest: "0".repeat(64) })],
  ];
  const coordinator = await open(
    memoryDisk(),
    world(),
    options({ rounds: 1, goal: bad.length + 1, minimum: 1 }),
  );
  const sessions = Array.from(
    { length: bad.length + 1 },
    (_, i) => coordinator.service.open(`c${i}`) as ClientSession,
  );
  await Promise.all(sessions.map((session) => session.checkIn(firstCheckIn)));
  const honest = sessions.pop()!;
  const send = (session: ClientSession, frame: Uint8Array, round = 1, digest = digestOf(frame)) =>
    session.report({ round, digest }, frame);
  const before = coordinator.book.held();
  for (const [i, [code, frame]] of bad.entries()) {
    const receipt = await send(sessions[i]!, frame);
    expect(receipt.kind === "refused" && receipt.refusal.code, code).toBe(code);
    const again = await send(sessions[i]!, encodeFrame(good));
    expect(again).toMatchObject({ kind: "refused", refusal: { code: "already-refused" } });
  }
  const elsewhere = await send(honest, encodeFrame(good), 99);
  expect(elsewhere).toMatchObject({ kind: "refused", refusal: { code: "wrong-round" } });
  const damaged = await send(honest, encodeFrame(good), 1, "0".repeat(64));
  expect(damaged).toMatchObject({ kind: "refused", refusal: { code: "bad-digest", retryAfterMs: 1000 } });
  expect(coordinator.events.filter(({ type }) => type === "report.refused")).toHaveLength(2 * bad.length + 1);
  expect(coordinator.book.held()).toEqual(before);
  expect(coordinator.book.open()!.accepted.size).toBe(0);

  // What was damaged on the way may be sent again, and closes the round: nobody else is left in it.
  expect(await send(honest, encodeFrame(good))).toMatchObject({ kind: "accepted" });
  expect(coordinator.book.held().version).toBe(1);
});

test("the same report again gets the same receipt and is counted once; another is refused", async () => {
  const good = await honestFrame();
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, options({ rounds: 1, goal: 2, minimum: 1 }));
  const a = coordinator.service.open("client-a") as ClientSession;
  const b = coordinator.service.open("client-b") as ClientSession;
  await Promise.all([a.checkIn(firstCheckIn), b.checkIn(firstCheckIn)]);
  const frame = encodeFrame(good);
  const id = { round: 1, digest: digestOf(frame) };
  const first = await a.report(id, frame);
  const again = await a.report(id, frame);
  expect(first.kind).toBe("accepted");
  expect(again).toEqual(first);
  expect(coordinator.book.open()!.accepted.size).toBe(1);
  const other = encodeFrame({ ...good, numExamples: good.numExamples + 1 });
  const second = await a.report({ round: 1, digest: digestOf(other) }, other);
  expect(second).toMatchObject({ kind: "refused", refusal: { code: "already-reported" } });
  await b.report(id, frame);
  expect(coordinator.book.held().version).toBe(1);
  expect(await a.report(id, frame)).toEqual(first); // also after its round has closed
  expect(coordinator.book.held().version).toBe(1);
});

test("verdicts: folded into its version, dropped when the round was abandoned or never got it", async () => {
  const good = await honestFrame();
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, options({ rounds: 2, goal: 2 }));
  const a = coordinator.service.open("client-a") as ClientSession;
  const b = coordinator.service.open("client-b") as ClientSession;
  const [task] = await Promise.all([a.checkIn(firstCheckIn), b.checkIn(firstCheckIn)]);
  const frame = encodeFrame(good);
  const id = { round: 1, digest: digestOf(frame) };
  await a.report(id, frame);
  expect(coordinator.book.verdictOf("client-a", id).outcome).toBe("unknown");
  virtual.after(60_001, () => {});
  await virtual.run(new Promise<void>((resolve) => virtual.after(60_002, resolve)));
  expect(coordinator.events.some(({ type }) => type === "round.abandoned")).toBe(true);
  expect(coordinator.book.verdictOf("client-a", id).outcome).toBe("dropped");
  expect(coordinator.book.verdictOf("client-b", { round: 1, digest: "0".repeat(64) }).outcome).toBe(
    "dropped",
  );

  const runId = task!.kind === "task" ? task!.task.runId : "";
  const [told] = await Promise.all([
    a.checkIn({ ...firstCheckIn, runId, pending: id }),
    b.checkIn(firstCheckIn),
  ]);
  expect(told).toMatchObject({ kind: "task", verdict: { report: id, outcome: "dropped", version: null } });
  const next = encodeFrame({ ...good, round: 2 });
  const nextId = { round: 2, digest: digestOf(next) };
  await Promise.all([a.report(nextId, next), b.report(nextId, next)]);
  expect(coordinator.book.verdictOf("client-a", nextId)).toEqual({
    report: nextId,
    outcome: "folded",
    version: 1,
  });
});

test("refused bytes are counted, and buy no ratio", async () => {
  const coordinator = await open(memoryDisk(), world(), options({ rounds: 1, goal: 2 }));
  const [a, b] = ["a", "b"].map((id) => coordinator.service.open(id) as ClientSession) as [
    ClientSession,
    ClientSession,
  ];
  await Promise.all([a.checkIn(firstCheckIn), b.checkIn(firstCheckIn)]);
  await a.checkIn(firstCheckIn); // the same task again
  const junk = new Uint8Array(100);
  await a.report({ round: 9, digest: digestOf(junk) }, junk);
  await a.report({ round: 9, digest: digestOf(junk) }, junk);
  expect(coordinator.bytes.totals()).toMatchObject({ uplink: 200, denseUplink: 0, denseDownlink: 2 * 288 });
});

test("what the link turned away reaches telemetry and the round", async () => {
  const coordinator = await open(memoryDisk(), world(), options({ rounds: 1, goal: 2 }));
  const [a, b] = ["a", "b"].map((id) => coordinator.service.open(id) as ClientSession) as [
    ClientSession,
    ClientSession,
  ];
  await Promise.all([a.checkIn(firstCheckIn), b.checkIn(firstCheckIn)]);
  a.refuse(1, { code: "too-large", detail: "above the limit", retry: false });
  expect(coordinator.events.find(({ type }) => type === "report.refused")).toMatchObject({
    type: "report.refused",
    clientId: "a",
    code: "too-large",
  });
  expect(coordinator.events.some(({ type }) => type === "round.abandoned")).toBe(true); // the minimum is two
});

test("after stop nothing is decided or written any more, whoever leaves", async () => {
  const good = await honestFrame();
  const disk = memoryDisk();
  const virtual = world();
  const coordinator = await open(disk, virtual, options({ rounds: 2, goal: 3, minimum: 1 }));
  const sessions = ["a", "b", "c"].map((id) => coordinator.service.open(id) as ClientSession);
  await Promise.all(sessions.map((session) => session.checkIn(firstCheckIn)));
  const frame = encodeFrame(good);
  await sessions[0]!.report({ round: 1, digest: digestOf(frame) }, frame);
  coordinator.stop("interrupted");
  expect(await coordinator.finished).toMatchObject({ outcome: "interrupted" });
  const journal = await recordsOn(disk);
  for (const session of sessions.slice(1)) session.close();
  const other = encodeFrame({ ...good, numExamples: 1 });
  const late = await sessions[1]!.report({ round: 1, digest: digestOf(other) }, other);
  expect(late).toMatchObject({ kind: "refused", refusal: { code: "run-over", retry: true } });
  await virtual.run(new Promise<void>((resolve) => virtual.after(100_000, resolve)));
  expect(await recordsOn(disk)).toEqual(journal);
  expect(coordinator.book.held().version).toBe(0);
});

test("a restarted run goes on counting its bytes", async () => {
  const good = await honestFrame();
  const disk = memoryDisk();
  const first = await open(disk, world(), options({ rounds: 2, goal: 2 }));
  const [a, b] = ["a", "b"].map((id) => first.service.open(id) as ClientSession) as [
    ClientSession,
    ClientSession,
  ];
  await Promise.all([a.checkIn(firstCheckIn), b.checkIn(firstCheckIn)]);
  const frame = encodeFrame(good);
  await a.report({ round: 1, digest: digestOf(frame) }, frame);
  const second = await open(disk, world(), options({ rounds: 2, goal: 2 }));
  expect(second.bytes.totals()).toMatchObject({ uplink: frame.length, denseUplink: 288 });
});

test("one live session a client id", async () => {
  const coordinator = await open(memoryDisk(), world(), options({}));
  const first = coordinator.service.open("client-a") as ClientSession;
  expect(coordinator.service.open("client-a")).toMatchObject({ code: "duplicate-client" });
  first.close();
  expect("code" in coordinator.service.open("client-a")).toBe(false);
});

test("a journal is not replayed under another config", async () => {
  const { disk } = await federation(options({ rounds: 1 }));
  await expect(open(disk, world(), options({ rounds: 1, downlink: dense }))).rejects.toThrow(
    /run test-run: the journal is of a run that had another downlink; give that run's config/,
  );
  const more = await open(disk, world(), options({ rounds: 2 })); // more rounds of the same run are fine
  expect(more.book.held().version).toBe(1);
});

test("masks that regrow follow the number of rounds, which is what a refusal names", async () => {
  const regrowing = (numRounds: number) =>
    options({
      rounds: 1,
      masks: {
        policy: { budget: { density: 0.4, layers: "erk", by: "votes-by-magnitude" } },
        regrow: { fraction: 0.5, numRounds },
      },
    });
  const { disk } = await federation(regrowing(1));
  await expect(open(disk, world(), regrowing(2))).rejects.toThrow(
    /had another rounds, which masks\.regrow follows;/,
  );
  expect((await open(disk, world(), regrowing(1))).book.held().version).toBe(1);
});

test("a fetched model is reported with the version that its frames lead to", async () => {
  const virtual = world();
  const settings = options({ rounds: 40, goal: 1, minimum: 1, maxStaleness: 40 });
  const { rounds, ...rest } = settings;
  const coordinator = await open(memoryDisk(), virtual, { ...rest, rounds: { ...rounds, overSelection: 2 } });
  const slow = coordinator.service.open("client-9") as ClientSession;
  const task = slow.checkIn(firstCheckIn);
  const client = startClient(1, coordinator.service, virtual);
  await virtual.run(client.end);
  expect(await task).toMatchObject({ kind: "task", task: { base: { version: 0 } } });
  // thirty deltas outweigh a patch, which there is of the newest version only
  await slow.fetchModel({ held: null, version: 0 });
  expect(coordinator.events.at(-1)).toMatchObject({ type: "model.fetched", kind: "origin", version: 0 });
  await slow.fetchModel({ held: null, version: 5 });
  expect(coordinator.events.at(-1)).toMatchObject({
    type: "model.fetched",
    kind: "patch",
    version: coordinator.book.held().version,
  });
});

test("once the run has ended nothing is written, though a link still turns reports away", async () => {
  const [virtual, disk] = [world(), memoryDisk()];
  const coordinator = await open(disk, virtual, options({ goal: 2, minimum: 1 }));
  const sessions = ["a", "b"].map((id) => coordinator.service.open(id) as ClientSession);
  const asked = sessions.map(({ checkIn }) =>
    checkIn({ runId: null, numExamples: 3, held: null, pending: null }),
  );
  expect(await virtual.run(Promise.all(asked))).toMatchObject([{ kind: "task" }, { kind: "task" }]);
  const broken = { code: "truncated", detail: "3 of 4 bytes", retry: false };
  sessions[0]!.refuse(1, broken);
  coordinator.stop("interrupted");
  await coordinator.finished;
  const records = await recordsOn(disk);
  expect(records.at(-1)).toMatchObject({ type: "refused", clientId: "a" });
  sessions[1]!.refuse(1, broken);
  expect(await recordsOn(disk)).toEqual(records);
});
