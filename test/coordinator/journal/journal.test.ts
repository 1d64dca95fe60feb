import { expect, test } from "vitest";
import { JournalError } from "../../../src/coordinator/journal/error.ts";
import { recordHead } from "../../../src/coordinator/journal/framing.ts";
import { openJournal } from "../../../src/coordinator/journal/journal.ts";
import { readJournal } from "../../../src/coordinator/journal/read.ts";
import { memoryDisk } from "../../../src/simulation/memory.ts";
import { text, utf8 } from "../../suites/disk.ts";
import { appendAll, folded, noPatience, nth, openTiny, stateOf, tiny } from "../../suites/journal.ts";

const texts = ({ records }: { readonly records: readonly { readonly bytes: Uint8Array }[] }) =>
  records.map(({ bytes }) => text(bytes));

test("what was appended is there again, in order, and more can follow", async () => {
  const disk = memoryDisk();
  const { journal } = await openTiny(disk);
  for (const record of ["one", "", "three"]) await journal.append(utf8(record));
  const again = await openTiny(disk);
  expect(texts(again)).toEqual(["one", "", "three"]);
  expect(again.repairs).toEqual([]);
  await again.journal.append(utf8("four"));
  const third = await openTiny(disk);
  expect(texts(third)).toEqual(["one", "", "three", "four"]);
  expect(await disk.list()).toEqual([
    "epoch-00000003",
    "segment-00000001-00000001",
    "segment-00000002-00000002",
    "segment-00000003-00000003",
  ]);
});

test("records that wait for a flush share the next one, and resolve only after it", async () => {
  const disk = memoryDisk();
  const flushes: number[] = [];
  let release: () => void = () => {};
  const slow = {
    ...disk,
    extend: async (name: string, at: number, part: Uint8Array) => {
      flushes.push(part.length);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      await disk.extend(name, at, part);
    },
  };
  const { journal } = await openTiny(slow);
  const durable: string[] = [];
  const append = (record: string) => journal.append(utf8(record)).then(() => durable.push(record));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const all = [append("a")];
  await turn();
  all.push(append("bb"), append("ccc"));
  await turn();
  expect(flushes).toEqual([48 + 2]); // a head, a byte for the kind, the record
  expect(durable).toEqual([]);
  release();
  await turn();
  expect(durable).toEqual(["a"]);
  expect(flushes).toEqual([50, 48 + 3 + 48 + 4]);
  all.push(append("dddd"));
  await turn();
  expect(flushes).toHaveLength(2);
  release();
  await turn();
  expect(durable).toEqual(["a", "bb", "ccc"]); // not what came while they were written
  release();
  await Promise.all(all);
  expect(flushes.slice(2)).toEqual([48 + 5]);
  expect(texts(await readJournal(disk, "first"))).toEqual(["a", "bb", "ccc", "dddd"]);
});

test("after a failed write nothing more is accepted; a restart goes on from the disk", async () => {
  const disk = memoryDisk();
  let isBroken = false;
  const { journal } = await openTiny({
    ...disk,
    extend: (name, at, part) => (isBroken ? Promise.reject(new Error("EIO")) : disk.extend(name, at, part)),
  });
  await journal.append(utf8("kept"));
  isBroken = true;
  await expect(journal.append(utf8("lost"))).rejects.toThrow("EIO");
  isBroken = false;
  await expect(journal.append(utf8("after"))).rejects.toThrow("EIO");
  await expect(journal.snapshot(utf8("state"))).rejects.toThrow("EIO");
  const again = await openTiny(disk);
  expect(texts(again)).toEqual(["kept"]);
  await again.journal.append(utf8("more"));
  expect(texts(await readJournal(disk, "first"))).toEqual(["kept", "more"]);
});

test("a full segment is followed by another; a large record has a file of its own", async () => {
  const disk = memoryDisk();
  const { journal } = await openTiny(disk);
  await Promise.all(appendAll(journal, [0, 40]));
  const names = await disk.list();
  expect(names.filter((name) => name.startsWith("segment"))).toHaveLength(1); // one flush, begun in time
  for (const i of [40, 41, 42]) await Promise.all(appendAll(journal, [i, i + 1]));
  expect((await disk.list()).filter((name) => name.startsWith("segment"))).toHaveLength(2);
  const large = Array.from({ length: 43 }, (_, i) => nth(i)).filter(({ length }) => length > 100);
  expect((await disk.list()).filter((name) => name.startsWith("blob"))).toHaveLength(large.length);
  const contents = await readJournal(disk, "snapshot");
  expect(folded(contents)).toBe(43);
  expect(contents.repairs).toEqual([]);
});

test("a snapshot makes all before it unneeded: it goes, or stays where all is kept", async () => {
  for (const keep of ["needed", "all"] as const) {
    const disk = memoryDisk();
    const { journal } = await openTiny(disk, { keep });
    await Promise.all(appendAll(journal, [0, 10]));
    await journal.snapshot(stateOf(10));
    await Promise.all(appendAll(journal, [10, 15]));
    const fromSnapshot = await readJournal(disk, "snapshot");
    expect([folded(fromSnapshot), fromSnapshot.records.length]).toEqual([15, 5]);
    const fromFirst = await readJournal(disk, "first");
    expect([folded(fromFirst), fromFirst.records.length]).toEqual([15, keep === "all" ? 15 : 5]);
    const again = await openTiny(disk, { keep });
    expect([folded(again), again.records.length]).toEqual([15, 5]);
    await Promise.all(appendAll(again.journal, [15, 20], undefined, (i) => i === 17));
    expect(folded(await readJournal(disk, "snapshot"))).toBe(20);
    expect((await readJournal(disk, "first")).records.length).toBe(keep === "all" ? 20 : 2);
    const names = await disk.list();
    expect(names.filter((name) => name.startsWith("segment"))).toHaveLength(keep === "all" ? 4 : 1);
  }
});

test("what a snapshot stands for is removed only when it is durable", async () => {
  const disk = memoryDisk();
  let release: () => void = () => {};
  const { journal } = await openTiny({
    ...disk,
    write: async (name, bytes) => {
      if (name.startsWith("blob"))
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      await disk.write(name, bytes);
    },
  });
  await Promise.all(appendAll(journal, [0, 2]));
  const saved = journal.snapshot(stateOf(2));
  await Promise.all(appendAll(journal, [2, 3])); // records do not wait for it
  const before = await readJournal(disk, "snapshot");
  expect([folded(before), before.records.length]).toEqual([3, 3]);
  expect(before.repairs.map(({ what }) => what)).toEqual(["snapshot"]); // begun, and not there
  release();
  await saved;
  const after = await readJournal(disk, "snapshot");
  expect([folded(after), after.records.length, after.repairs]).toEqual([3, 1, []]);
});

test("a snapshot that cannot be read costs nothing as long as its records are there; else it is refused", async () => {
  for (const damage of ["missing", "damaged"] as const) {
    const disk = memoryDisk();
    const { journal } = await openTiny(disk, { keep: "all" });
    await Promise.all(appendAll(journal, [0, 3]));
    await journal.snapshot(stateOf(3));
    await Promise.all(appendAll(journal, [3, 5]));
    const { digest } = (await readJournal(disk, "snapshot")).segments[0]!.head.snapshot!;
    if (damage === "missing") await disk.remove([`blob-${digest}`]);
    else await disk.extend(`blob-${digest}`, 50, utf8("!"));
    const contents = await openTiny(disk, { keep: "all" });
    expect(folded(contents)).toBe(5);
    expect(contents.repairs).toEqual([{ what: "snapshot", file: `blob-${digest}`, bytes: 50 }]);
    const first = (await disk.list()).find((name) => name.startsWith("segment"))!;
    await disk.remove([first]);
    await expect(openTiny(disk, { keep: "all" })).rejects.toMatchObject({
      code: damage,
      place: `blob-${digest}`,
      remedy: expect.stringContaining("restore the file from a copy"),
    });
  }
});

test("leftovers of crashes are taken away and told of; files of others are left alone", async () => {
  const disk = memoryDisk();
  const { journal } = await openTiny(disk);
  await Promise.all(appendAll(journal, [0, 3]));
  const orphan = `blob-${"ab".repeat(32)}`;
  await disk.write(orphan, utf8("of a record that never came"));
  await disk.write("segment-00000002-00000001.77-1.tmp", utf8("half"));
  await disk.write("notes.txt", utf8("mine"));
  const { repairs } = await openTiny(disk);
  expect(repairs).toEqual([{ what: "leftover", file: "segment-00000002-00000001.77-1.tmp", bytes: 4 }]);
  const names = await disk.list();
  expect(names).not.toContain(orphan);
  expect(names.filter((name) => !/^(segment|blob|epoch)/.test(name))).toEqual(["notes.txt"]);
  expect(names.some((name) => name.endsWith(".tmp"))).toBe(false);
});

test("a folder with a journal of one file gets a clear error", async () => {
  const disk = memoryDisk();
  await disk.write("journal.log", utf8("old"));
  await expect(openTiny(disk)).rejects.toThrow(
    /journal.log: was written by a fedpress from before .*; .*another coordinator.stateDir/,
  );
  await expect(readJournal(disk, "first")).rejects.toThrow(JournalError);
});

test("a record that was removed, repeated or moved is missed, with place and remedy", async () => {
  const disk = memoryDisk();
  const { journal } = await openTiny(disk);
  for (const record of ["one", "two", "six", "ten"]) await journal.append(utf8(record));
  await openTiny(disk); // all of it counts, says the segment after
  const name = "segment-00000001-00000001";
  const file = (await disk.read(name))!;
  const headEnd = file.length - 4 * 52;
  const [head, ...records] = [
    file.slice(0, headEnd),
    ...[0, 1, 2, 3].map((i) => file.slice(headEnd + 52 * i).slice(0, 52)),
  ] as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const [a, b, c, d] = records;
  for (const parts of [
    [a, c, d],
    [a, b, b, c],
    [a, c, b, d],
    [a, b, c],
  ]) {
    await disk.write(name, Uint8Array.of(...[head, ...parts].flatMap((part) => [...part!])));
    await expect(readJournal(disk, "snapshot")).rejects.toThrow(
      /segment-00000001-00000001.*(record \d at byte \d+: does not follow|has \d+ bytes, of which).*; restore the file.*stateDir/,
    );
  }
  await disk.remove([name]);
  await expect(readJournal(disk, "snapshot")).rejects.toMatchObject({ code: "missing", place: name });
});

test("settings are arguments, and the default journal holds what a tiny one does", async () => {
  const disk = memoryDisk();
  const large = { ...tiny, segmentBytes: 2 ** 20, blobBytes: 2 ** 18 };
  const { journal } = await openJournal(disk, large, noPatience());
  await Promise.all(appendAll(journal, [0, 50]));
  expect((await disk.list()).filter((name) => name.startsWith("blob"))).toEqual([]);
  expect(folded(await openTiny(disk))).toBe(50);
});

test.each(["snapshot", "first"] as const)(
  "who reads from the %s while the writer removes what was listed reads anew",
  async (from) => {
    for (const blobBytes of [tiny.blobBytes, 2 ** 18]) {
      const disk = memoryDisk();
      const { journal } = await openTiny(disk, { blobBytes });
      await Promise.all(appendAll(journal, [0, 9]));
      let lists = 0;
      const list = async () => {
        const names = await disk.list();
        if (lists++ === 0) await Promise.all(appendAll(journal, [9, 12], undefined, (i) => i === 10));
        return names;
      };
      expect(folded(await readJournal({ ...disk, list }, from))).toBe(12);
      expect(lists).toBeGreaterThan(1);
    }
  },
);

test("a torn record is torn, whatever its own bytes look like", async () => {
  const disk = memoryDisk();
  const { journal } = await openTiny(disk, { segmentBytes: 2 ** 20, blobBytes: 2 ** 18 });
  await Promise.all(appendAll(journal, [0, 3]));
  const { name, bytes: at } = (await readJournal(disk, "snapshot")).segments.at(-1)!;
  const hostile = new Uint8Array(3 * 4096).fill(7);
  // the head of a record that says: what stands before was on disk
  hostile.set(recordHead(new Uint8Array(32), at + 1, new Uint8Array()), 9000);
  await journal.append(hostile);
  const file = (await disk.read(name))!;
  file.fill(0, 4096, 8192); // a page that never came to the disk
  await disk.write(name, file);
  const contents = await openTiny(disk);
  expect(folded(contents)).toBe(3);
  expect(contents.repairs).toEqual([{ what: "torn-tail", file: name, bytes: file.length - at }]);
});
