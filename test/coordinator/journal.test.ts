import fc from "fast-check";
import { expect, test } from "vitest";
import { JournalError, openJournal } from "../../src/coordinator/journal.ts";
import { memoryDisk } from "../../src/simulation/memory.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const texts = (records: readonly Uint8Array[]) => records.map((record) => new TextDecoder().decode(record));

async function written(...records: string[]) {
  const disk = memoryDisk();
  const { journal } = await openJournal(disk, "j");
  for (const record of records) await journal.append(bytes(record));
  return { disk, file: (await disk.read("j"))! };
}

async function reopened(file: Uint8Array) {
  const disk = memoryDisk();
  await disk.write("j", file);
  return { disk, ...(await openJournal(disk, "j")) };
}

test("what was appended is there again, in order, and more can follow", async () => {
  const { disk } = await written("one", "", "three");
  const again = await openJournal(disk, "j");
  expect(texts(again.records)).toEqual(["one", "", "three"]);
  await again.journal.append(bytes("four"));
  expect(texts((await openJournal(disk, "j")).records)).toEqual(["one", "", "three", "four"]);
});

test("records that wait for a flush share the next one, and resolve only after it", async () => {
  const disk = memoryDisk();
  const flushes: number[] = [];
  let release: () => void = () => {};
  const slow = {
    ...disk,
    append: async (name: string, part: Uint8Array) => {
      flushes.push(part.length);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      await disk.append(name, part);
    },
  };
  const { journal } = await openJournal(slow, "j");
  const durable: string[] = [];
  const append = (text: string) => journal.append(bytes(text)).then(() => durable.push(text));
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const all = [append("a")];
  await turn();
  all.push(append("bb"), append("ccc"));
  await turn();
  expect(flushes).toEqual([9]);
  expect(durable).toEqual([]);
  release();
  await turn();
  expect(durable).toEqual(["a"]);
  expect(flushes).toEqual([9, 8 + 2 + 8 + 3]);
  release();
  await Promise.all(all);
  expect(texts((await openJournal(disk, "j")).records)).toEqual(["a", "bb", "ccc"]);
});

test("after a failed write nothing more is accepted", async () => {
  const disk = memoryDisk();
  let full = false;
  const { journal } = await openJournal(
    {
      ...disk,
      append: (name, part) => (full ? Promise.reject(new Error("no space")) : disk.append(name, part)),
    },
    "j",
  );
  await journal.append(bytes("kept"));
  full = true;
  await expect(journal.append(bytes("lost"))).rejects.toThrow("no space");
  full = false;
  await expect(journal.append(bytes("after"))).rejects.toThrow("no space");
  expect(texts((await openJournal(disk, "j")).records)).toEqual(["kept"]);
});

test("a tail torn at any byte is cut off; the records before it stay", async () => {
  const { file } = await written("one", "second", "third record");
  const ends = [11, 25, 45];
  expect(file.length).toBe(45);
  for (let length = 0; length < file.length; length++) {
    const { records, disk, tornBytes } = await reopened(file.slice(0, length));
    const whole = ends.filter((end) => end <= length).length;
    expect(records).toHaveLength(whole);
    expect(tornBytes).toBe(length - (ends[whole - 1] ?? 0));
    expect((await disk.read("j"))!.length).toBe(ends[whole - 1] ?? 0);
  }
});

test("property: a flipped bit is never read as a record that was not written", async () => {
  const { file } = await written("one", "second", "third record", "fourth");
  await fc.assert(
    fc.asyncProperty(fc.nat(8 * file.length - 1), async (bit) => {
      const damaged = file.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      try {
        const { records } = await reopened(damaged);
        expect(texts(records)).toEqual(["one", "second", "third record", "fourth"].slice(0, records.length));
        expect(records.length).toBeLessThan(4);
      } catch (error) {
        expect(error).toBeInstanceOf(JournalError);
      }
    }),
    { numRuns: 400 },
  );
});

test("a record that was removed from the middle is missed", async () => {
  const { file } = await written("one", "two", "three", "four");
  const without = new Uint8Array([...file.slice(0, 11), ...file.slice(22)]);
  await expect(reopened(without)).rejects.toThrow(/record 1 at byte 11 is damaged.*restore the file/);
});
