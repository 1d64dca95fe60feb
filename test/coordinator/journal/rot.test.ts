import { expect, test } from "vitest";
import { JournalError } from "../../../src/coordinator/journal/error.ts";
import { readJournal } from "../../../src/coordinator/journal/read.ts";
import { blobsOf } from "../../../src/coordinator/journal/segment.ts";
import type { Disk } from "../../../src/model/disk.ts";
import { derive } from "../../../src/model/rng.ts";
import { memoryDisk } from "../../../src/simulation/memory.ts";
import { appendAll, folded, openTiny } from "../../suites/journal.ts";

/** Three lives with a snapshot in each of the first two, blobs, several segments, and an end without snapshot. */
async function aged(
  keep: "needed" | "all",
  seed: number,
): Promise<{ readonly disk: Disk; readonly records: number }> {
  const disk = memoryDisk();
  const rng = derive(seed, "lives");
  let records = 0;
  for (const saves of [true, true, false]) {
    const { journal } = await openTiny(disk, { keep });
    const end = records + 6 + rng.below(6);
    for (let i = records; i < end; i++)
      await Promise.all(appendAll(journal, [i, i + 1], undefined, (j) => saves && j === end - 4));
    records = end;
  }
  return { disk, records };
}

/** With 7 there are more than 100,000 bits. */
const JOURNALS = Number(process.env.FEDPRESS_ROT_JOURNALS ?? 2);

test.each([
  ["needed", JOURNALS, 1],
  ["all", 1, 10],
] as const)(
  "every flipped bit of any file is refused with file and remedy, or not needed and told of (keep: %s)",
  async (keep, journals, stride) => {
    const seen = { refused: 0, repaired: 0, unread: 0 };
    for (let seed = 1; seed <= journals; seed++) {
      const { disk, records } = await aged(keep, seed);
      const files = await Promise.all(
        (await disk.list()).map(async (name) => ({ name, bytes: (await disk.read(name))! })),
      );
      const { segments } = await readJournal(disk, "snapshot");
      const used = new Set(segments.flatMap((segment) => [segment.name, ...blobsOf(segment)]));
      for (const { name, bytes } of files)
        for (let bit = seed % stride; bit < 8 * bytes.length; bit += stride) {
          bytes[bit >> 3]! ^= 1 << (bit & 7);
          const rotten = {
            ...disk,
            read: async (asked: string) => (asked === name ? bytes : disk.read(asked)),
          };
          seen[await outcome(rotten, name, records, used.has(name))]++;
          bytes[bit >> 3]! ^= 1 << (bit & 7);
        }
    }
    if (keep === "needed") {
      expect(seen).toMatchObject({ unread: 0, repaired: 0 });
      expect(seen.refused).toBeGreaterThan(14_000 * JOURNALS);
    } else expect(Math.min(seen.unread, seen.repaired, seen.refused)).toBeGreaterThan(30);
  },
  300_000,
);

/** What becomes of a journal with one file that is not as it was; fails where that is not noticed. */
async function outcome(rotten: Disk, name: string, records: number, isUsed: boolean) {
  const contents = await readJournal(rotten, "snapshot").catch((error: Error) => error);
  if (contents instanceof JournalError) {
    expect(contents.message).toContain(name);
    expect(contents.remedy).toContain("restore the file from a copy");
    return "refused";
  }
  if (contents instanceof Error) throw contents;
  expect(folded(contents)).toBe(records);
  if (contents.repairs.length > 0) return "repaired";
  expect(isUsed).toBe(false); // older than the snapshot: a restart does not read it
  const all = await readJournal(rotten, "first").catch((error: Error) => error);
  if (!(all instanceof JournalError)) expect(all).toMatchObject({ repairs: [{ what: "snapshot" }] });
  return "unread";
}
