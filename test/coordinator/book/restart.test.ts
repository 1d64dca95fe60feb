import { expect, test } from "vitest";
import { readJournal } from "../../../src/coordinator/journal/read.ts";
import type { CoordinatorOptions } from "../../../src/coordinator/options.ts";
import { digestOf } from "../../../src/model/manifest.ts";
import type { ClientSession } from "../../../src/model/protocol.ts";
import { memoryDisk } from "../../../src/simulation/memory.ts";
import { decodeFrame, encodeFrame, type UpdateFrame } from "../../../src/wire/frame.ts";
import { defaultLimits } from "../../../src/wire/limits.ts";
import { dense, open, options, startClient, world } from "../../suites/federation.ts";

/** What the round machine knows after a restart, on the production coordinator with its journal. */

const settings = (more: Parameters<typeof options>[0]): CoordinatorOptions =>
  options({ rounds: 9, uplink: dense, downlink: dense, ...more });

const overSelecting = (more: Parameters<typeof options>[0], overSelection: number): CoordinatorOptions => {
  const { rounds, ...rest } = settings(more);
  return { ...rest, rounds: { ...rounds, overSelection } };
};

/** What a client sends of round 1. */
async function honest(): Promise<UpdateFrame> {
  const virtual = world();
  const coordinator = await open(memoryDisk(), virtual, settings({ rounds: 1, goal: 1 }));
  let sent: Uint8Array | null = null;
  const client = startClient(1, coordinator.service, virtual, {
    link: (link) => ({
      ...link,
      report: (...args) => {
        sent = args[1];
        return link.report(...args);
      },
    }),
  });
  await virtual.run(client.end);
  return decodeFrame(sent!, defaultLimits) as UpdateFrame;
}

const firstCheckIn = { runId: null, numExamples: 5, held: null, pending: null };

/** A coordinator and, of each client, a session that has checked in. */
async function checkedIn(disk: ReturnType<typeof memoryDisk>, how: CoordinatorOptions, ...ids: string[]) {
  const virtual = world();
  const coordinator = await open(disk, virtual, how);
  const sessions = new Map(ids.map((id) => [id, coordinator.service.open(id) as ClientSession]));
  const checkIn = (id: string) => {
    const session = sessions.get(id) ?? (coordinator.service.open(id) as ClientSession);
    sessions.set(id, session);
    return session.checkIn(firstCheckIn);
  };
  const send = (id: string, update: UpdateFrame) => {
    const session = sessions.get(id) ?? (coordinator.service.open(id) as ClientSession);
    sessions.set(id, session);
    const frame = encodeFrame(update);
    return session.report({ round: update.round, digest: digestOf(frame) }, frame);
  };
  const pass = (ms: number) => virtual.run(new Promise<void>((resolve) => virtual.after(ms, resolve)));
  for (const id of ids) void checkIn(id);
  await pass(0);
  return { coordinator, checkIn, send, pass };
}

test("a refused report keeps its client out of the round, and is called refused, after a restart too", async () => {
  const good = await honest();
  const bad = { ...good, plan: 1 };
  const id = { round: 1, digest: digestOf(encodeFrame(bad)) };
  const disk = memoryDisk();
  const how = settings({ goal: 3, minimum: 1 });
  const first = await checkedIn(disk, how, "a", "b", "c");
  expect(await first.send("a", bad)).toMatchObject({ refusal: { code: "wrong-plan" } });
  expect(await first.send("a", good)).toMatchObject({ refusal: { code: "already-refused" } });
  expect(first.coordinator.book.verdictOf("a", id).outcome).toBe("refused");

  const second = await checkedIn(disk, how, "a", "b", "c");
  expect(second.coordinator.status()).toMatchObject({ phase: "reporting", round: 1, refused: 1, waiting: 1 });
  expect(second.coordinator.book.verdictOf("a", id).outcome).toBe("refused");
  expect(await second.send("a", good)).toMatchObject({ refusal: { code: "already-refused" } });
  await second.send("b", good);
  await second.send("c", good);
  expect(second.coordinator.book.verdictOf("a", id).outcome).toBe("refused");
  expect(second.coordinator.book.held().version).toBe(1); // nobody else is left in the round
});

test.each([
  ["in one life", false],
  ["over a restart", true],
])(
  "a late report that comes between two rounds is what the next one waits for, %s",
  async (_, isRestarted) => {
    const good = await honest();
    const how = overSelecting({ goal: 2, minimum: 2, maxStaleness: 1 }, 1.5);
    const disk = memoryDisk();
    const first = await checkedIn(disk, how, "a", "b", "c");
    expect(first.coordinator.status()).toMatchObject({ phase: "reporting", cohort: 3 });
    await first.send("a", good);
    await first.send("b", good);
    expect(first.coordinator.status()).toMatchObject({ phase: "selecting", version: 1, late: 1 });

    const { coordinator, checkIn, send, pass } = isRestarted ? await checkedIn(disk, how) : first;
    const early = await send("c", good);
    expect(early).toMatchObject({ kind: "refused", refusal: { code: "between-rounds", retryAfterMs: 1000 } });
    expect(coordinator.events.some(({ type }) => type === "report.refused")).toBe(false);
    const task = checkIn("a"); // with c's report there are two of two: the selection deadline runs
    await pass(1001);
    expect(await task).toMatchObject({ kind: "task", task: { round: 2, base: { version: 1 } } });
    expect(await send("c", good)).toMatchObject({ kind: "accepted" });
    expect(await send("a", { ...good, round: 2, baseVersion: 1 })).toMatchObject({ kind: "accepted" });
    expect(coordinator.book.held().version).toBe(2);
  },
);

test("three of three, one late: it reports and the others wait, and the round opens nevertheless", async () => {
  const good = await honest();
  const how = settings({ goal: 3, minimum: 3, maxStaleness: 1 });
  const { coordinator, checkIn, send, pass } = await checkedIn(memoryDisk(), how, "a", "b", "c");
  await pass(60_001); // all are silent, and the round is abandoned
  expect(coordinator.status()).toMatchObject({ phase: "selecting", version: 0, late: 3 });
  const tasks = [checkIn("a"), checkIn("b")];
  expect(coordinator.status()).toMatchObject({ phase: "selecting", waiting: 2 });
  expect(await send("c", good)).toMatchObject({ kind: "accepted" });
  expect(await Promise.all(tasks)).toMatchObject([{ task: { round: 2 } }, { task: { round: 2 } }]);
});

test("buffered: who joined an open round is in it after a restart", async () => {
  const good = await honest();
  const how = settings({ goal: 3, minimum: 1, concurrency: 3, maxStaleness: 5 });
  const disk = memoryDisk();
  const first = await checkedIn(disk, how, "a", "b", "c", "d");
  await first.send("a", good); // d takes its place
  expect(first.coordinator.status()).toMatchObject({ round: 1, cohort: 4, reports: 1, waiting: 0 });
  const second = await checkedIn(disk, how);
  expect(second.coordinator.status()).toMatchObject({ round: 1, cohort: 4, reports: 1 });
  expect(await second.send("d", good)).toMatchObject({ kind: "accepted" });
});

test("paused, the open round finishes and no other opens, after a restart too; resumed, the next one does", async () => {
  const good = await honest();
  const how = settings({ goal: 1 });
  const disk = memoryDisk();
  const first = await checkedIn(disk, how, "a");
  expect(await first.coordinator.pause({ abandon: false })).toBe(true);
  expect(first.coordinator.status()).toMatchObject({ phase: "reporting", paused: true });
  await first.send("a", good);
  void first.checkIn("a");
  expect(first.coordinator.status()).toMatchObject({ phase: "selecting", version: 1, waiting: 1 });

  const second = await checkedIn(disk, how, "a");
  expect(second.coordinator.status()).toMatchObject({ phase: "selecting", paused: true, waiting: 1 });
  await second.coordinator.resume();
  expect(second.coordinator.status()).toMatchObject({ phase: "reporting", paused: false, round: 2 });
  await second.coordinator.pause({ abandon: true });
  expect(second.coordinator.status()).toMatchObject({ phase: "selecting", paused: true, round: 2 });
  expect(second.coordinator.events.slice(-2).map(({ type }) => type)).toEqual([
    "run.paused",
    "round.abandoned",
  ]);
});

test("rounds abandoned in a row are counted over restarts, and so are drop-outs", async () => {
  const how = settings({ goal: 3, minimum: 1 }); // three in a row end the run
  const disk = memoryDisk();
  for (const life of [1, 2, 3]) {
    const { coordinator, pass } = await checkedIn(disk, how, "a", "b", "c");
    expect(coordinator.status().dropOut).toBeCloseTo((3 * (life - 1)) / (10 + 3 * (life - 1)), 12);
    await pass(60_001);
    if (life === 3) expect((await coordinator.finished).outcome).toBe("failed");
    else expect(coordinator.status()).toMatchObject({ phase: "selecting", round: life });
  }
  const { coordinator, pass } = await checkedIn(disk, how, "a", "b", "c"); // somebody wants it to go on
  await pass(60_001);
  expect(coordinator.status()).toMatchObject({ phase: "selecting", round: 4 });
});

test("a snapshot carries what the round machine knows: late clients, a pause, drop-outs", async () => {
  const good = await honest();
  const { journal, ...rest } = overSelecting({ goal: 2, minimum: 2, maxStaleness: 1 }, 1.5);
  const how = { ...rest, journal: { ...journal, snapshotEvery: 1, keep: "needed" } } as const;
  const disk = memoryDisk();
  const first = await checkedIn(disk, how, "a", "b", "c");
  await first.pass(60_001); // all are silent, and the round is abandoned
  for (const id of ["a", "b", "c"]) void first.checkIn(id);
  await first.pass(0);
  await first.coordinator.pause({ abandon: false });
  await first.send("a", { ...good, round: 2 });
  await first.send("b", { ...good, round: 2 });
  await first.pass(10);
  const { late, dropOut, ...status } = first.coordinator.status();
  expect({ ...status, late }).toMatchObject({ phase: "selecting", paused: true, version: 1, late: 1 });
  expect((await readJournal(disk, "snapshot")).snapshot).not.toBeNull();
  const second = await checkedIn(disk, how);
  expect(second.coordinator.status()).toMatchObject({
    phase: "selecting",
    paused: true,
    version: 1,
    late: 1,
  });
  expect(second.coordinator.status().dropOut).toBe(dropOut);
  expect(await second.send("c", { ...good, round: 2 })).toMatchObject({
    refusal: { code: "between-rounds" },
  });
});
