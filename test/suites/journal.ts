import { type Journal, type JournalSettings, openJournal } from "../../src/coordinator/journal/journal.ts";
import { patience } from "../../src/coordinator/journal/patience.ts";
import type { JournalContents } from "../../src/coordinator/journal/read.ts";
import type { Disk } from "../../src/model/disk.ts";
import { world } from "../../src/simulation/world.ts";

/** Small enough that a few records fill segments and blobs. */
export const tiny: JournalSettings = { segmentBytes: 600, blobBytes: 100, keep: "needed" };

/** Nobody tells of waiting, and nothing that waits is ever served. */
export const noPatience = () => patience(world().clock, { stalled: () => {}, resumed: () => {} });

export const openTiny = (disk: Disk, settings: Partial<JournalSettings> = {}, patience = noPatience()) =>
  openJournal(disk, { ...tiny, ...settings }, patience);

/** Record i: i, and as many bytes as make some of them blobs. */
export function nth(i: number): Uint8Array {
  const bytes = new Uint8Array(4 + ((i * 37) % 140)).fill(i);
  new DataView(bytes.buffer).setUint32(0, i, true);
  return bytes;
}

const numberOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true);

/** The state that records 0 to n - 1 come to: n, and something to be read. */
export function stateOf(n: number): Uint8Array {
  const bytes = new Uint8Array(50).fill(255 - n);
  new DataView(bytes.buffer).setUint32(0, n, true);
  return bytes;
}

/** How many records a journal folds to, where they are 0, 1, 2 ...; throws where they are not, or not as they were written. */
export function folded({ snapshot, records }: Pick<JournalContents, "snapshot" | "records">): number {
  const before = snapshot === null ? 0 : numberOf(snapshot);
  const wanted = (i: number) => (i < 0 ? stateOf(before) : nth(before + i));
  const found = [...(snapshot === null ? [] : [snapshot]), ...records.map(({ bytes }) => bytes)];
  for (const [i, bytes] of found.entries()) {
    const expected = wanted(snapshot === null ? i : i - 1);
    if (bytes.length !== expected.length || bytes.some((v, j) => v !== expected[j]))
      throw new Error(`record ${i} after ${before} is not as it was written`);
  }
  return before + records.length;
}

/** Appends records `from` to `to - 1`, with a snapshot wherever `saves` says; `acked` hears of each that is durable. */
export function appendAll(
  journal: Journal,
  [from, to]: readonly [number, number],
  acked: (i: number) => void = () => {},
  saves: (i: number) => boolean = () => false,
): Promise<unknown>[] {
  const all: Promise<unknown>[] = [];
  for (let i = from; i < to; i++) {
    all.push(journal.append(nth(i)).then(() => acked(i)));
    if (saves(i)) all.push(journal.snapshot(stateOf(i + 1)));
  }
  return all;
}
