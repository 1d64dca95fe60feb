import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { nodeDisk } from "../../src/cli/node-disk.ts";
import { wallClock } from "../../src/cli/wall-clock.ts";
import { openJournal } from "../../src/coordinator/journal/journal.ts";
import { patience } from "../../src/coordinator/journal/patience.ts";
import { readJournal } from "../../src/coordinator/journal/read.ts";
import type { Disk } from "../../src/model/disk.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";
import { type World, world } from "../../src/simulation/world.ts";
import { open, options, startClient } from "../suites/federation.ts";
import { appendAll, folded, nth, stateOf, tiny } from "../suites/journal.ts";
import { temporaryFolder } from "../temporary.ts";

const noSpace = () => Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });

/** A disk of so many bytes; an extension that does not fit leaves what fits, any other operation nothing. */
function limited(disk: Disk, room: { bytes: number }) {
  const used = async (but: string | null = null) => {
    let bytes = 0;
    for (const name of await disk.list()) if (name !== but) bytes += (await disk.read(name))!.length;
    return bytes;
  };
  return {
    ...disk,
    write: async (name: string, bytes: Uint8Array) => {
      if ((await used(name)) + bytes.length > room.bytes) throw noSpace();
      await disk.write(name, bytes);
    },
    extend: async (name: string, at: number, bytes: Uint8Array) => {
      const before = (await disk.read(name))?.length ?? 0;
      const fits = Math.max(0, before - at) + Math.max(0, room.bytes - (await used()));
      await disk.extend(name, at, bytes.subarray(0, fits));
      if (fits < bytes.length) throw noSpace();
    },
  };
}

function waiting(virtual: World) {
  const told: string[] = [];
  return {
    told,
    patience: patience(virtual.clock, {
      stalled: (detail) => told.push(detail),
      resumed: (waitedMs) => told.push(`resumed after ${waitedMs}`),
    }),
  };
}

test("full at any byte: nothing is acknowledged, nothing lost, and it goes on when there is room, without a restart", async () => {
  for (let bytes = 130; bytes < 2000; bytes += 7) {
    const virtual = world();
    const { told, patience } = waiting(virtual);
    const room = { bytes };
    const disk = memoryDisk();
    let acked = 0;
    const work = async () => {
      const { journal } = await openJournal(limited(disk, room), tiny, patience);
      for (let i = 0; i < 12; i++) {
        if (i === 6) void journal.snapshot(stateOf(i));
        await Promise.all(appendAll(journal, [i, i + 1]));
        acked = i + 1;
      }
    };
    const over = work();
    virtual.after(60_000, async () => {
      expect(patience.isStalled()).toBe(acked < 12 || told.length % 2 === 1);
      const found = await readJournal(disk, "snapshot"); // what a restart would see, torn or not
      expect(folded(found)).toBeGreaterThanOrEqual(acked);
      expect(folded(found)).toBeLessThanOrEqual(acked + 1);
      room.bytes = Infinity;
    });
    await virtual.run(over.then(() => new Promise<void>((resolve) => virtual.after(100_000, resolve))));
    expect(acked).toBe(12);
    expect(told.length % 2).toBe(0);
    if (told.length > 0) {
      expect(told[0]).toContain("ENOSPC");
      expect(told.at(-1)).toMatch(/^resumed after (59|60)\d\d\d$|^resumed after 0$/);
    }
    const { repairs, ...contents } = await readJournal(disk, "snapshot");
    expect([folded(contents), repairs]).toEqual([12, []]);
  }
});

test("any other error ends it, also while it waits for room; stop ends the waiting", async () => {
  const virtual = world();
  const disk = memoryDisk();
  const { told, patience } = waiting(virtual);
  let error: () => Error = noSpace;
  let isBroken = false;
  const broken = {
    ...disk,
    extend: (name: string, at: number, bytes: Uint8Array) =>
      isBroken ? Promise.reject(error()) : disk.extend(name, at, bytes),
  };
  const { journal } = await openJournal(broken, tiny, patience);
  isBroken = true;
  const lost = journal.append(nth(0));
  lost.catch(() => {});
  virtual.after(5500, () => {
    error = () => Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO" });
  });
  await expect(virtual.run(lost)).rejects.toThrow("EIO");
  expect(told).toEqual([expect.stringContaining("ENOSPC"), "resumed after 6000"]);

  const other = waiting(virtual);
  isBroken = false;
  error = noSpace;
  const { journal: second } = await openJournal(broken, tiny, other.patience);
  isBroken = true;
  const never = second.append(nth(0));
  never.catch(() => {});
  virtual.after(5500, () => other.patience.stop(new Error("stopped")));
  await expect(virtual.run(never)).rejects.toThrow("stopped");
});

test("a writer that waits for room while another takes over leaves all that was read where it is", async () => {
  for (let bytes = 250; bytes < 700; bytes += 9) {
    const virtual = world();
    const room = { bytes };
    const disk = memoryDisk();
    const waits = waiting(virtual).patience;
    const { journal } = await openJournal(limited(disk, room), { ...tiny, blobBytes: 1000 }, waits);
    const stale = Promise.all(appendAll(journal, [0, 8])); // in one flush, of which a part fits
    stale.catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    expect(waits.isStalled()).toBe(true);
    room.bytes = Infinity;
    const taken = await openJournal(disk, tiny, waiting(virtual).patience);
    const found = folded(taken);
    await Promise.all(appendAll(taken.journal, [found, found + 2]));
    await expect(virtual.run(stale)).rejects.toMatchObject({ code: "fenced" });
    expect(folded(await readJournal(disk, "snapshot"))).toBe(found + 2);
  }
});

test("a coordinator without room refuses new reports for now, tells the folder, and comes to the same model later: its clients keep theirs", async () => {
  const run = async (limit: number | null) => {
    const virtual = world();
    const room = { bytes: limit ?? Infinity };
    const settings = options({ rounds: 4, goal: 3 });
    const coordinator = await open(limited(memoryDisk(), room), virtual, settings);
    const clients = [1, 2, 3].map((i) => startClient(i, coordinator.service, virtual));
    virtual.after(30_000, () => {
      room.bytes = Infinity;
    });
    await virtual.run(coordinator.finished);
    const told = clients.flatMap(({ events }) =>
      events.flatMap((e) => (e.type === "receipt" ? [e.receipt] : [])),
    );
    return { coordinator, refused: told.flatMap((receipt) => (receipt.kind === "refused" ? [receipt] : [])) };
  };
  const { coordinator: reference } = await run(null);
  let numRefused = 0;
  // wherever it ends: between two reports, or while several are on their way
  for (let limit = 3000; limit < 6000; limit += 250) {
    const { coordinator, refused } = await run(limit);
    const types = coordinator.events.map(({ type }) => type);
    const [stalled, resumed] = [types.indexOf("coordinator.stalled"), types.indexOf("coordinator.resumed")];
    expect(stalled).toBeGreaterThan(0);
    expect(coordinator.events[stalled]).toMatchObject({
      folder: "state",
      detail: expect.stringContaining("ENOSPC"),
    });
    expect(resumed).toBeGreaterThan(stalled);
    for (const { refusal } of refused)
      expect(refusal).toMatchObject({ code: "disk-full", retryAfterMs: 5000 });
    numRefused += refused.length;
    expect(types).not.toContain("report.refused");
    expect(coordinator.book.held()).toEqual(reference.book.held());
  }
  expect(numRefused).toBeGreaterThan(0);
});

test("a coordinator that is stopped while it waits for room ends at once", async () => {
  const virtual = world();
  const coordinator = await open(limited(memoryDisk(), { bytes: 3000 }), virtual, options({ rounds: 4 }));
  for (const i of [1, 2, 3]) startClient(i, coordinator.service, virtual);
  virtual.after(30_000, () => coordinator.stop("interrupted"));
  expect(await virtual.run(coordinator.finished)).toMatchObject({ outcome: "interrupted" });
  expect(coordinator.events.some(({ type }) => type === "coordinator.stalled")).toBe(true);
});

test("nor does one wait any longer that has not even opened its run", async () => {
  for (const bytes of [0, 200]) {
    const [virtual, aborter, reason] = [world(), new AbortController(), new Error("interrupted")];
    const disk = limited(memoryDisk(), { bytes });
    const opening = open(disk, virtual, options({}), aborter.signal);
    virtual.after(30_000, () => aborter.abort(reason));
    await expect(virtual.run(opening)).rejects.toBe(reason);
    expect(virtual.clock.now()).toBe(30_000);
  }
});

/** A real file system of 256 KiB; null where that is not allowed. */
function smallFileSystem(): string | null {
  const folder = temporaryFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return null;
  }
  onTestFinished(() => {
    execFileSync("umount", [folder]);
  });
  return folder;
}

test("on a file system of 256 KiB the same, for real", async ({ skip }) => {
  const mounted = smallFileSystem();
  if (mounted === null) return skip("no right to mount a tmpfs");
  const folder = join(mounted, "state");
  mkdirSync(folder);
  const ballast = join(mounted, "ballast");
  writeFileSync(ballast, new Uint8Array(150 * 1024));
  const told: string[] = [];
  let free: () => void = () => {};
  const waiting = patience(wallClock(), {
    stalled: (detail) => {
      told.push(detail);
      free();
    },
    resumed: () => told.push("resumed"),
  });
  const settings = { segmentBytes: 2 ** 20, blobBytes: 2 ** 18, keep: "all" } as const;
  const { journal } = await openJournal(nodeDisk(folder), settings, waiting);
  let acked = 0;
  const checked = new Promise<void>((resolve, reject) => {
    free = () => {
      readJournal(nodeDisk(folder), "first")
        .then(({ records }) => {
          expect(records.length).toBeGreaterThanOrEqual(acked);
          expect(acked).toBeGreaterThan(5);
          writeFileSync(ballast, "");
        })
        .then(resolve, reject);
    };
  });
  for (let i = 0; i < 30; i++) {
    await journal.append(new Uint8Array(7000).fill(i));
    acked = i + 1;
  }
  await checked;
  expect(told).toEqual([expect.stringContaining("ENOSPC"), "resumed"]);
  const { records, repairs } = await readJournal(nodeDisk(folder), "first");
  expect(records.map(({ bytes }) => bytes[6999])).toEqual(Array.from({ length: 30 }, (_, i) => i));
  expect(repairs).toEqual([]);
});
