import { expect, test } from "vitest";
import type { CoordinatorLink } from "../../src/client/link.ts";
import type { ClientState } from "../../src/client/state.ts";
import { openBook } from "../../src/coordinator/book/book.ts";
import { readJournal } from "../../src/coordinator/journal/read.ts";
import { replay } from "../../src/coordinator/journal/replay.ts";
import { type CoordinatorOptions, runContract } from "../../src/coordinator/options.ts";
import { sleep } from "../../src/model/clock.ts";
import type { Disk } from "../../src/model/disk.ts";
import { digestOf, modelDigest } from "../../src/model/manifest.ts";
import type { PlanRule } from "../../src/model/protocol.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import { decodeFrame, encodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { dense, open, recordsOn, startClient, world } from "../suites/federation.ts";
import { historyOptions, large, largeFactory, uneven, without } from "../suites/history.ts";
import { damaged, type Fetched, historyRun, type Upload } from "../suites/history-run.ts";

const plainly = { uplink: without, downlink: without };

/** Of a client in a round, in the order in which they went out. */
const bytesIn = (sent: readonly Upload[], client: number, round: number): readonly number[] =>
  sent.filter((one) => one.client === client && one.round === round).map(({ bytes }) => bytes);

const refusals = (sent: readonly Upload[]): readonly string[] =>
  sent.flatMap(({ receipt }) => (receipt.kind === "refused" ? [receipt.refusal.code] : []));

const bytesOf = (fetched: readonly Fetched[]): number => fetched.reduce((n, { bytes }) => n + bytes, 0);

async function refolded(settings: CoordinatorOptions, disk: Disk) {
  const book = openBook(settings.contract);
  const { records } = await readJournal(disk, "first");
  const contract = runContract(settings, modelDigest(large));
  replay(book, { saved: null, records }, contract, settings.rounds);
  return book;
}

test("the model is the same to the bit with and without history, and takes fewer bytes both ways", async () => {
  const on = await historyRun(historyOptions({ rounds: 12 }));
  const off = await historyRun(historyOptions({ rounds: 12, ...plainly }));
  expect(on.coordinator.book.held()).toEqual(off.coordinator.book.held());
  expect(on.totals.uplink).toBeLessThan(0.9 * off.totals.uplink);
  expect(on.totals.downlink).toBeLessThan(0.9 * off.totals.downlink);
  expect(refusals(on.uploads)).toEqual([]);
});

const rule = (select: PlanRule["codec"]["select"]): readonly PlanRule[] => [
  { tensors: "*", codec: { select, values: { levels: "auto" } }, errorFeedback: true, history: true },
];
const byRate = rule({ topK: 0.05, rateDistortion: true });
const budgeted = rule({ budget: { bytesPerRound: 300 }, rateDistortion: true });
const changing = {
  policy: { budget: { density: 0.5, layers: "uniform" as const, by: "magnitude" as const } },
  everyRounds: 2,
  regrow: { fraction: 0.5, numRounds: 100 },
};

test.each([
  ["synchronous", {}],
  ["late reports", { maxStaleness: 3 }],
  ["buffered", { maxStaleness: 4, concurrency: 4, goal: 2 }],
  ["robust", { aggregation: { strategy: "median" as const }, goal: 3 }],
  ["robust, by rate", { aggregation: { strategy: "median" as const }, goal: 3, uplink: byRate }],
  ["budgets", { uplink: budgeted, downlink: budgeted }],
  ["masks that change, late reports", { masks: changing, uplink: budgeted, maxStaleness: 3 }],
])("a journal refolds to the same model, history and bytes: %s", async (_, overrides) => {
  const settings = historyOptions({ rounds: 8, snapshotEvery: 3, ...overrides });
  const { coordinator, disk, uploads } = await historyRun(settings, { clients: 4 });
  expect(refusals(uploads).filter((code) => code !== "run-over")).toEqual([]);
  const again = await refolded(settings, disk);
  expect(again.held()).toEqual(coordinator.book.held());
  expect(again.snapshot()).toEqual(coordinator.book.snapshot());
});

/** Up with history, down without: what a client holds is not looked at before it reports. */
const upOnly = { downlink: without };
const lastOf = (states: readonly ClientState[]): ClientState => states.at(-1)!;

test("a client that is killed and comes back: not a byte more", async () => {
  const settings = historyOptions();
  const reference = await historyRun(settings);
  const run = await historyRun(settings, { restart: { client: 1, round: 3, state: lastOf } });
  expect(run.coordinator.book.held()).toEqual(reference.coordinator.book.held());
  expect(run.totals).toEqual(reference.totals);
});

test("a backup of two rounds ago: the deltas since, once more", async () => {
  const settings = historyOptions();
  const reference = await historyRun(settings);
  const backup = (states: readonly ClientState[]): ClientState =>
    states.findLast(({ held, pending }) => held.version === 1 && pending === null)!;
  const run = await historyRun(settings, { restart: { client: 1, round: 3, state: backup } });
  expect(run.coordinator.book.held().version).toBe(reference.coordinator.book.held().version);
  expect(refusals(run.uploads)).toEqual([]);
  const [again] = run.downloads.filter(({ kinds }) => kinds.length > 1);
  expect(again!.kinds).toEqual(["delta", "delta"]);
  const deltas = reference.downloads.filter(
    ({ client, version }) => client === 1 && [2, 3].includes(version),
  );
  expect(again!.bytes).toBe(bytesOf(deltas));
});

test("a history that is another: one report more, in other bytes, and the model once", async () => {
  const settings = historyOptions(upOnly);
  const reference = await historyRun(settings);
  const run = await historyRun(settings, {
    restart: { client: 1, round: 3, state: (states) => damaged(lastOf(states)) },
  });
  expect(run.coordinator.book.held()).toEqual(reference.coordinator.book.held());
  expect(refusals(run.uploads)).toEqual(["prior-mismatch"]);
  // by the wrong history other coders may be shorter at first
  const { round } = run.uploads.find(({ receipt }) => receipt.kind === "refused")!;
  const [first, second] = bytesIn(run.uploads, 1, round);
  const [right] = bytesIn(reference.uploads, 1, round);
  expect(second).toBeGreaterThan(right!);
  const before = (uploads: readonly Upload[]) =>
    uploads.filter((one) => one.client === 1 && one.round < round).reduce((n, { bytes }) => n + bytes, 0);
  const others = before(run.uploads) - before(reference.uploads);
  expect(run.totals.uplink - reference.totals.uplink).toBe(first! + second! - right! + others);
  const fetched = run.downloads.filter(({ client, version }) => client === 1 && version === round);
  expect(fetched.map(({ kinds }) => kinds)).toEqual([
    ["origin", ...Array.from({ length: round }, () => "delta")],
  ]);
  const usual = reference.downloads.filter(({ client, version }) => client === 1 && version === round);
  expect(run.totals.downlink - reference.totals.downlink).toBe(bytesOf(fetched) - bytesOf(usual));
  // nothing of it is in the journal
  const accepted = (await recordsOn(run.disk)).filter((record) => record.type !== "closed");
  const expected = (await recordsOn(reference.disk)).filter((record) => record.type !== "closed");
  expect(accepted.map(({ type }) => type)).toEqual(expected.map(({ type }) => type));
  expect((await refolded(settings, run.disk)).held()).toEqual(run.coordinator.book.held());
});

test("the same where deltas come with history too: it is found at the next one, which costs a download", async () => {
  const settings = historyOptions();
  const reference = await historyRun(settings);
  const run = await historyRun(settings, {
    restart: { client: 1, round: 3, state: (states) => damaged(lastOf(states)) },
  });
  expect(run.coordinator.book.held()).toEqual(reference.coordinator.book.held());
  expect(run.totals.uplink).toBe(reference.totals.uplink);
  const fetched = run.downloads.filter(({ client, version }) => client === 1 && version === 3);
  expect(fetched.map(({ kinds }) => kinds)).toEqual([["delta"], ["origin", "delta", "delta", "delta"]]);
  expect(run.totals.downlink - reference.totals.downlink).toBe(fetched[1]!.bytes);
});

test("a state without history, as of an older build: the model is fetched once more", async () => {
  const settings = historyOptions();
  const reference = await historyRun(settings);
  const run = await historyRun(settings, {
    restart: {
      client: 1,
      round: 3,
      state: (states) => ({ ...lastOf(states), held: { ...lastOf(states).held, history: null } }),
    },
  });
  expect(run.coordinator.book.held()).toEqual(reference.coordinator.book.held());
  const fetched = run.downloads.filter(({ client, version }) => client === 1 && version === 3);
  expect(fetched.map(({ kinds }) => kinds)).toEqual([["origin", "delta", "delta", "delta"]]);
});

test("who gets the model whole gets its history too, and codes by it", async () => {
  const settings = historyOptions({ downlink: dense });
  const run = await historyRun(settings, {
    restart: {
      client: 1,
      round: 4,
      state: (states) => ({ ...lastOf(states), held: { ...lastOf(states).held, history: null } }),
    },
  });
  const [late] = run.downloads.filter(({ client, version }) => client === 1 && version === 4);
  expect(late!.kinds).toEqual(["origin", "patch", "history"]);
  const reference = await historyRun(settings);
  expect(bytesIn(run.uploads, 1, 5)).toEqual(bytesIn(reference.uploads, 1, 5));
  expect(run.coordinator.book.held()).toEqual(reference.coordinator.book.held());
});

test.each([
  ["all", "ternary"],
  [{ randomK: 0.1 }, "float32"],
  [{ rows: 0.1 }, "ternary"],
] as const)("positions that are not chosen one by one have no history: %j", (select, values) => {
  const rule = { tensors: "*", codec: { select, values }, errorFeedback: true, history: true as const };
  expect(() => openBook(historyOptions({ uplink: [rule] }).contract)).toThrow(
    /^uplink\[0\]\.history: true, expected left out/,
  );
});

test("a history that is another twice, in other bytes: the client is out of the round", async () => {
  const settings = historyOptions(upOnly);
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, settings);
  const bytes: Uint8Array[] = [];
  /** Sends what it was given, and then the same once more with a bit of the prior's digest turned. */
  const twice = (link: CoordinatorLink): CoordinatorLink => ({
    ...link,
    report: async (id, frame, offset, signal) => {
      if (id.round < 4 || bytes.length > 0) return link.report(id, frame, offset, signal);
      for (const bit of [1, 2]) bytes.push(withOtherPrior(frame, bit));
      const answers = [];
      for (const other of [bytes[0]!, bytes[0]!, bytes[1]!])
        answers.push(await link.report({ round: id.round, digest: digestOf(other) }, other, 0, signal));
      const codes = answers.map((one) => (one.kind === "refused" ? one.refusal.code : one.kind));
      expect(codes).toEqual(["prior-mismatch", "prior-mismatch", "prior-mismatch"]);
      return link.report(id, frame, offset, signal);
    },
  });
  const clients = [1, 2].map((client) =>
    startClient(client, coordinator.service, virtual, {
      trainer: uneven(virtual),
      factory: largeFactory,
      ...(client === 1 && { link: twice }),
    }),
  );
  const isRefused = ({ events }: (typeof clients)[number]) =>
    events.some((one) => one.type === "receipt" && one.receipt.kind === "refused" && one.round === 4);
  await virtual.run(
    Promise.race([
      Promise.all(clients.map(({ end }) => end)),
      sleep(virtual.clock, 30_000, new AbortController().signal),
    ]),
  );
  expect(bytes.length).toBe(2);
  expect(clients.map(isRefused)).toEqual([true, false]);
});

/** The prior's digest stands behind coders and count. */
function withOtherPrior(frame: Uint8Array, bit: number): Uint8Array {
  const decoded = decodeFrame(frame, defaultLimits);
  if (decoded.kind !== "update") throw new Error("a report is an update");
  const payload = decoded.payloads[0]!.slice();
  expect(payload[0]! >>> 4).toBe(10);
  const at = payload[1]! < 128 ? 2 : 3;
  payload[at]! ^= bit;
  return encodeFrame({ ...decoded, payloads: [payload] });
}
