import { expect, test } from "vitest";
import type { Disk } from "../../src/model/disk.ts";
import type { ClientSession } from "../../src/model/protocol.ts";
import { memoryDisk, memoryStore } from "../../src/simulation/memory.ts";
import { dense, open, options, recordsOn, startClient, topKTernary, world } from "../suites/federation.ts";

/** A run of three clients on a disk, to its end or its disk's. */
async function live(
  disk: Disk,
  settings: ReturnType<typeof options>,
  stores: ReturnType<typeof memoryStore>[],
) {
  const virtual = world();
  const coordinator = await open(disk, virtual, settings);
  const clients = stores.map((store, i) => startClient(i + 1, coordinator.service, virtual, { store }));
  const end = await virtual.run(coordinator.finished.catch((error: Error) => error));
  if (!(end instanceof Error)) await virtual.run(Promise.all(clients.map((client) => client.end)));
  for (const client of clients) await client.kill();
  return { coordinator, end };
}

const stores = () => [1, 2, 3].map(() => memoryStore());

/** Does `numOperations` more that change something; of the next, the first half of an append, or nothing. */
function dying(disk: Disk, numOperations: number): Disk {
  let left = numOperations;
  const cut = new Error("power cut");
  const once =
    <A extends unknown[], R>(operation: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (--left < 0) throw cut;
      return operation(...args);
    };
  return {
    ...disk,
    create: once(disk.create),
    write: once(disk.write),
    remove: once(disk.remove),
    flush: once(disk.flush),
    extend: async (name, at, bytes) => {
      if (--left === -1) await disk.extend(name, at, bytes.subarray(0, bytes.length >> 1));
      if (left < 0) throw cut;
      await disk.extend(name, at, bytes);
    },
  };
}

const kinds = [
  ["ternary", {}],
  ["scaffold", { aggregation: { strategy: "scaffold" as const }, uplink: dense }],
  [
    "masked",
    {
      aggregation: { serverOptimizer: { adagrad: { learningRate: 0.1, beta1: 0.9, epsilon: 1e-3 } } },
      uplink: topKTernary,
      masks: { policy: { majority: 0.5 } },
    },
  ],
  ["late", { goal: 2, minimum: 1, maxStaleness: 5, concurrency: 3 }],
] as const;

test.each(kinds)(
  "snapshots change nothing: a coordinator that dies anywhere goes on to the same model, %s",
  async (kind, overrides) => {
    const saving = (every: number | null) =>
      options({ ...overrides, rounds: 6, snapshotEvery: every, keep: "needed" });
    const reference = (await live(memoryDisk(), saving(null), stores())).coordinator.book.held();
    let crashes = 0;
    let fromSnapshot = 0;
    for (let operations = 2; ; operations++) {
      const disk = memoryDisk();
      const kept = stores();
      const settings = saving(1 + (operations % 3));
      const dead = await live(dying(disk, operations), settings, kept).catch((end: Error) => ({ end }));
      if (!(dead.end instanceof Error)) break; // the whole run needs no more than that
      expect(dead.end.message).toBe("power cut");
      crashes++;
      const isWhole = (await recordsOn(disk))[0]?.type === "started";
      if (!isWhole && (await recordsOn(disk)).length > 0) fromSnapshot++;
      const { coordinator, end } = await live(disk, settings, kept);
      expect(end).toMatchObject({ outcome: "done" });
      const { version, digest } = coordinator.book.held();
      expect(version, `crash after ${operations}`).toBe(6);
      // who reports first is a matter of time, and with late reports so is the model
      if (kind !== "late") expect(digest, `crash after ${operations}`).toBe(reference.digest);
      for (const store of kept) expect((await store.load())!.pending).toBeNull();
    }
    expect(crashes).toBeGreaterThan(20);
    expect(fromSnapshot).toBeGreaterThan(5);
  },
);

test("a restart reads what came after the snapshot, and goes on with run, totals, verdicts and contract", async () => {
  const disk = memoryDisk();
  const settings = options({ rounds: 5, snapshotEvery: 2, keep: "needed" });
  const kept = stores();
  const { coordinator: before } = await live(disk, settings, kept);
  const records = await recordsOn(disk);
  expect(records.map((record) => ("round" in record ? record.round : 0)).every((round) => round === 5)).toBe(
    true,
  );

  const again = await open(disk, world(), { ...settings, runId: "another" });
  expect(again.runId).toBe("test-run");
  expect(again.book.held()).toEqual(before.book.held());
  expect(again.resumedFinished).toBe(true);
  expect(again.bytes.totals()).toEqual(
    records.flatMap((record) => (record.type === "closed" ? [record.bytes] : [])).at(-1),
  );
  expect(again.events[0]).toMatchObject({ type: "run.started", resumedFromVersion: 5 });

  await expect(open(disk, world(), options({ rounds: 5, downlink: dense }))).rejects.toMatchObject({
    code: "other-run",
    message: expect.stringContaining("another downlink; give that run's config"),
  });
});

test("right after a snapshot there is nothing but the state, and its totals count on", async () => {
  const disk = memoryDisk();
  const settings = options({ rounds: 4, snapshotEvery: 2, keep: "needed" });
  const { coordinator } = await live(disk, settings, stores());
  expect(await recordsOn(disk)).toEqual([]);
  const more = await open(disk, world(), options({ rounds: 6, snapshotEvery: 2, keep: "needed" }));
  expect(more.book.held()).toEqual(coordinator.book.held());
  const { uplink } = more.bytes.totals();
  expect(uplink).toBeGreaterThan(0);
  expect(uplink).toBe(coordinator.bytes.totals().uplink);
  const session = more.service.open("client-1") as ClientSession;
  expect(session.clientId).toBe("client-1");
});

test("one that waits, for clients or for room on its disk, notices by looking, and only then", async () => {
  for (const isFull of [false, true]) {
    const disk = memoryDisk();
    const virtual = world();
    let noRoom = false;
    const full = Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    const stalling = {
      ...disk,
      extend: async (name: string, at: number, bytes: Uint8Array) => {
        if (noRoom) throw full;
        await disk.extend(name, at, bytes);
      },
    };
    const old = await open(stalling, virtual, options({}));
    if (isFull) for (const i of [1, 2, 3]) startClient(i, old.service, virtual);
    virtual.after(100, () => {
      noRoom = isFull;
    });
    let isOver = false;
    old.finished.catch(() => {
      isOver = true;
    });
    virtual.after(20_000, async () => {
      await old.confirm();
      expect(isOver).toBe(false); // nobody has taken it over yet
      expect(old.events.some(({ type }) => type === "coordinator.stalled")).toBe(isFull);
      await open(disk, world(), options({}));
    });
    virtual.after(40_000, async () => {
      expect(isOver).toBe(false);
      await old.confirm();
    });
    await expect(virtual.run(old.finished)).rejects.toMatchObject({ code: "fenced" });
    expect(virtual.clock.now()).toBe(40_000);
  }
});

test("a coordinator whose folder another has taken acknowledges nothing more, and says why", async () => {
  const disk = memoryDisk();
  const virtual = world();
  const old = await open(disk, virtual, options({}));
  for (const i of [1, 2, 3]) startClient(i, old.service, virtual);
  let taken: Awaited<ReturnType<typeof open>> | null = null;
  let ackedBefore = 0;
  virtual.after(1500, async () => {
    taken = await open(disk, world(), options({}));
    ackedBefore = old.events.filter(({ type }) => type === "report.accepted").length;
  });
  await expect(virtual.run(old.finished)).rejects.toMatchObject({ code: "fenced", place: "epoch-00000001" });
  expect(ackedBefore).toBeGreaterThan(0);
  const { version } = taken!.book.held();
  expect(3 * version + (taken!.book.open()?.accepted.size ?? 0)).toBeGreaterThanOrEqual(ackedBefore);
});
