import { expect, test } from "vitest";
import { claimFolder } from "../../../src/coordinator/journal/claim.ts";
import { patience } from "../../../src/coordinator/journal/patience.ts";
import { readJournal } from "../../../src/coordinator/journal/read.ts";
import type { Disk } from "../../../src/model/disk.ts";
import { derive } from "../../../src/model/rng.ts";
import { memoryDisk } from "../../../src/simulation/memory.ts";
import { appendAll, folded, openTiny, stateOf } from "../../suites/journal.ts";
import { everyOrder, scheduler } from "../../suites/scheduler.ts";

/** Every operation waits for its turn, and is done in one. */
function inTurns(disk: Disk, step: () => Promise<void>): Disk {
  const after =
    <A extends unknown[], R>(operation: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await step();
      return operation(...args);
    };
  return {
    list: after(disk.list),
    read: after(disk.read),
    create: after(disk.create),
    write: after(disk.write),
    extend: after(disk.extend),
    flush: after(disk.flush),
    remove: after(disk.remove),
  };
}

/** Without room for the first so many extensions, of which two thirds are there all the same. */
function full(disk: Disk, isFull: () => boolean): Disk {
  return {
    ...disk,
    extend: async (name, at, bytes) => {
      const fits = isFull() ? Math.floor((2 * bytes.length) / 3) : bytes.length;
      await disk.extend(name, at, bytes.subarray(0, fits));
      if (fits < bytes.length) throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    },
  };
}

/** Tries again at once. */
const eager = () => {
  const after = (_: number, action: () => void) => {
    queueMicrotask(action);
    return () => {};
  };
  return patience({ now: () => 0, after }, { stalled: () => {}, resumed: () => {} });
};

/**
 * One coordinator at work on a folder while another takes it over, in the order that is chosen. What the first acknowledged
 * is in the fold of the second; what it is asked after that it refuses; and a third finds all that either acknowledged.
 */
async function takeOver(
  choose: (n: number) => number,
  old: { readonly saves: boolean; readonly appends: number; readonly each?: number; readonly full?: number },
  next: { readonly saves: boolean; readonly appends: number },
): Promise<{ readonly ackedMeanwhile: number }> {
  const disk = memoryDisk();
  const turns = scheduler(choose);
  let isTurned = false;
  const stepped = inTurns(disk, () => (isTurned ? turns.step() : Promise.resolve()));
  let left = 0;
  const first = await openTiny(
    full(stepped, () => --left >= 0),
    {},
    eager(),
  );
  await Promise.all(appendAll(first.journal, [0, 2]));
  isTurned = true;
  left = old.full ?? 0;

  let acked = 2;
  let found: number | null = null;
  const late: string[] = [];
  const stale = async (): Promise<void> => {
    if (old.saves) first.journal.snapshot(stateOf(2)).catch(() => {});
    const each = old.each ?? 1;
    for (let i = 2; i < 2 + old.appends; i += each) {
      const isLate = found !== null;
      await Promise.all(appendAll(first.journal, [i, i + each]));
      if (isLate) late.push(`record ${i}`);
      acked = i + each;
      if (found !== null) expect(found).toBeGreaterThanOrEqual(acked); // only told late: it had been read
    }
  };
  const taking = async (): Promise<number> => {
    const second = await openTiny(stepped);
    found = folded(second);
    expect(found).toBeGreaterThanOrEqual(acked);
    const saves = (i: number) => next.saves && i === found;
    await Promise.all(appendAll(second.journal, [found, found + next.appends], undefined, saves));
    return found + next.appends;
  };
  const ended = stale().catch((error) => error);
  const taken = taking();
  taken.catch(() => {});
  await turns.run();
  isTurned = false;
  const all = await taken;
  expect(late).toEqual([]);
  const end = await ended;
  if (end !== undefined) expect(end).toMatchObject({ code: "fenced", place: "epoch-00000001" });
  await expect(first.journal.append(new Uint8Array(4))).rejects.toMatchObject({ code: "fenced" });
  const third = await openTiny(disk);
  expect(folded(third)).toBe(all);
  expect(folded(await readJournal(disk, "first"))).toBe(all);
  return { ackedMeanwhile: acked - 2 };
}

test("in every order of a writer's records and a take-over nothing that was acknowledged is lost", async () => {
  const acked = [0, 0, 0];
  const orders = await everyOrder(async (choose) => {
    const { ackedMeanwhile } = await takeOver(
      choose,
      { saves: false, appends: 2 },
      { saves: false, appends: 0 },
    );
    acked[ackedMeanwhile]!++;
  });
  expect(orders).toBeGreaterThan(1000);
  for (const count of acked) expect(count).toBeGreaterThan(50); // none, one and both were acknowledged in time
});

test("nor of a flush that is done again, once or twice, for want of room", async () => {
  const acked = new Map<number, number>();
  for (const times of [1, 2]) {
    const old = { saves: false, appends: 2, each: 2, full: times };
    const orders = await everyOrder(async (choose) => {
      const { ackedMeanwhile } = await takeOver(choose, old, { saves: false, appends: 0 });
      acked.set(ackedMeanwhile, 1 + (acked.get(ackedMeanwhile) ?? 0));
    });
    expect(orders).toBeGreaterThan(500);
  }
  expect([...acked.keys()].sort()).toEqual([0, 2]);
});

test("nor with snapshots and removals on both sides, in thousands of orders", async () => {
  for (let seed = 0; seed < 3000; seed++) {
    const rng = derive(seed, "orders");
    const sleepy = 1 + rng.below(30);
    let turn = 0;
    // one of them sleeps at some place for as long as others can go on
    const choose = (n: number) => (turn++ < sleepy ? rng.below(n) : seed % 2 ? n - 1 : 0);
    await takeOver(
      choose,
      { saves: true, appends: rng.below(3) },
      { saves: rng.below(2) === 0, appends: 2 },
    ).catch((error: Error) => {
      throw new Error(`seed ${seed}: ${error.message}`);
    });
  }
});

test("of coordinators that start at one time, in every order, one goes on at most, and its folder is whole", async () => {
  const outcomes = new Set<number>();
  const orders = await everyOrder(async (choose) => {
    const disk = memoryDisk();
    await Promise.all(appendAll((await openTiny(disk)).journal, [0, 1]));
    const turns = scheduler(choose);
    const claims = [1, 2].map(() => claimFolder(inTurns(disk, turns.step)));
    for (const claim of claims) claim.catch(() => {});
    await turns.run();
    const settled = await Promise.allSettled(claims);
    const valid = [];
    for (const one of settled) {
      if (one.status === "rejected") expect(one.reason).toMatchObject({ code: "fenced" });
      else {
        const checked = one.value.check();
        checked.catch(() => {});
        await turns.run();
        const [{ status }] = await Promise.allSettled([checked]);
        if (status === "fulfilled") valid.push(one.value.epoch);
      }
    }
    expect(valid.length).toBe(1);
    expect((await disk.list()).filter((name) => name.startsWith("epoch"))).toHaveLength(1);
    outcomes.add(settled.filter(({ status }) => status === "fulfilled").length);
  });
  expect(orders).toBeGreaterThan(100);
  expect(outcomes).toEqual(new Set([1, 2]));
});

test("three that start at one time and write leave what each acknowledged", async () => {
  for (let seed = 0; seed < 1500; seed++) {
    const rng = derive(seed, "three");
    const disk = memoryDisk();
    const turns = scheduler((n) => rng.below(n));
    let acked = 0;
    const lives = [1, 2, 3].map(async () => {
      const { journal, ...contents } = await openTiny(inTurns(disk, turns.step));
      const found = folded(contents);
      await Promise.all(
        appendAll(
          journal,
          [found, found + 3],
          (i) => {
            acked = Math.max(acked, i + 1);
          },
          () => rng.below(3) === 0,
        ),
      );
    });
    for (const life of lives) life.catch(() => {});
    await turns.run();
    const outcomes = await Promise.allSettled(lives);
    for (const one of outcomes)
      if (one.status === "rejected") expect(one.reason, `seed ${seed}`).toMatchObject({ code: "fenced" });
    expect(folded(await openTiny(disk)), `seed ${seed}`).toBeGreaterThanOrEqual(acked);
  }
});
