import { expect, test } from "vitest";
import { readJournal } from "../../../src/coordinator/journal/read.ts";
import { derive, type Rng } from "../../../src/model/rng.ts";
import { memoryDisk } from "../../../src/simulation/memory.ts";
import { type CrashDisk, crashDisk, type Files } from "../../suites/crash-disk.ts";
import { appendAll, folded, openTiny } from "../../suites/journal.ts";
import { type Scheduler, scheduler } from "../../suites/scheduler.ts";

/** What a crash left, and what had been promised by then. */
interface Image {
  readonly files: Files;
  /** Records that were acknowledged: these must be there. */
  readonly acked: number;
  /** Records that were handed over: no others can be there. */
  readonly sent: number;
}

/** Who goes on: anybody, or mostly whoever went last, so that others lag far behind. */
const fickle = (seed: number, rng: Rng) => (n: number) => (rng.below(4) < seed % 4 ? n - 1 : rng.below(n));

/** A process on a disk, which appends with snapshots now and then; `lookAt` is called before each step of the disk. */
async function life(
  disk: CrashDisk,
  turns: Scheduler,
  rng: Rng,
  promised: { acked: number; sent: number },
  lookAt: () => boolean,
): Promise<void> {
  const work = async (): Promise<void> => {
    const opened = await openTiny(disk, { keep: rng.below(4) === 0 ? "all" : "needed" });
    const found = folded(opened);
    promised.acked = Math.max(promised.acked, found); // whoever asks again is told that these are there
    for (let i = found; i < found + 14; ) {
      const group = 1 + rng.below(4);
      promised.sent = Math.max(promised.sent, i + group);
      const acked = (j: number) => {
        promised.acked = Math.max(promised.acked, j + 1);
      };
      const done = appendAll(opened.journal, [i, i + group], acked, () => rng.below(6) === 0);
      for (const one of done) one.catch(() => {});
      if (rng.below(3) > 0) await done[0];
      i += group;
    }
  };
  const ended = work();
  ended.catch(() => {});
  await turns.run(lookAt);
  // nobody waits for a turn any more: it is over, or was killed
  await Promise.race([ended, new Promise((resolve) => setImmediate(resolve))]);
}

async function check({ files, acked, sent }: Image): Promise<void> {
  const disk = memoryDisk();
  for (const [name, bytes] of files) await disk.write(name, bytes);
  const opened = await openTiny(disk);
  const found = folded(opened);
  expect(found).toBeGreaterThanOrEqual(acked);
  expect(found).toBeLessThanOrEqual(sent);
  await Promise.all(appendAll(opened.journal, [found, found + 3], undefined, (i) => i === found + 1));
  expect(folded(await readJournal(disk, "snapshot"))).toBe(found + 3);
  expect(folded(await readJournal(disk, "first"))).toBe(found + 3);
}

test("after a power cut at any step there is all that was acknowledged, in thousands of images", async () => {
  let images = 0;
  let torn = 0;
  for (let seed = 1; seed <= 40; seed++) {
    const rng = derive(seed, "power cut");
    const turns = scheduler(fickle(seed, rng));
    const disk = crashDisk(new Map(), turns.step);
    const promised = { acked: 0, sent: 0 };
    const taken: Image[] = [];
    await life(disk, turns, derive(seed, "work"), promised, () => {
      taken.push({ files: disk.afterPowerCut(rng), ...promised });
      return true;
    });
    expect(promised.acked, `seed ${seed}`).toBeGreaterThanOrEqual(14);
    for (const image of taken) {
      await check(image).catch((error: Error) => {
        throw new Error(`seed ${seed}, ${image.acked} of ${image.sent}: ${error.message}`);
      });
      images++;
      const { repairs } = await readJournal(crashDisk(image.files), "snapshot").catch(() => ({
        repairs: [],
      }));
      if (repairs.some(({ what }) => what === "torn-tail")) torn++;
    }
  }
  expect(images).toBeGreaterThan(3000);
  expect(torn).toBeGreaterThan(100); // or they were too easy
});

test("nor does a power cut in a second life cost anything that the first had written, synced or not", async () => {
  let images = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const rng = derive(seed, "two lives");
    let turns = scheduler(fickle(seed, rng));
    const disk = crashDisk(new Map(), () => turns.step());
    const promised = { acked: 0, sent: 0 };
    let left = 1 + rng.below(120);
    await life(disk, turns, derive(seed, "first"), promised, () => --left > 0); // then it is killed
    turns = scheduler(fickle(seed, rng));
    const taken: Image[] = [];
    await life(disk, turns, derive(seed, "second"), promised, () => {
      if (rng.below(2) === 0) taken.push({ files: disk.afterPowerCut(rng), ...promised });
      return true;
    });
    for (const image of taken) {
      await check(image).catch((error: Error) => {
        throw new Error(`seed ${seed}, ${image.acked} of ${image.sent}: ${error.message}`);
      });
      images++;
    }
  }
  expect(images).toBeGreaterThan(2000);
});
