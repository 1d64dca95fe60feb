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
  expect(flushes).toEqual([13]);
  expect(durable).toEqual([]);
  release();
  await turn();
  expect(durable).toEqual(["a"]);
  expect(flushes).toEqual([13, 12 + 2 + 12 + 3]);
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

const texts3 = ["one", "second", "third record"];
const ends3 = [15, 33, 57];

test("a tail torn at any byte is set aside and cut off; the records before it stay", async () => {
  const { file } = await written(...texts3);
  expect(file.length).toBe(57);
  for (let length = 0; length < file.length; length++) {
    const { records, disk, tornBytes } = await reopened(file.slice(0, length));
    const whole = ends3.filter((end) => end <= length).length;
    const kept = ends3[whole - 1] ?? 0;
    expect(texts(records)).toEqual(texts3.slice(0, whole));
    expect(tornBytes).toBe(length - kept);
    expect((await disk.read("j"))!.length).toBe(kept);
    expect(await disk.read("j.torn")).toEqual(length === kept ? null : file.slice(kept, length));
  }
});

test("a file that grew by zeros alone has lost nothing", async () => {
  const { file } = await written(...texts3);
  const grown = new Uint8Array(file.length + 100);
  grown.set(file);
  const { records, tornBytes } = await reopened(grown);
  expect(texts(records)).toEqual(texts3);
  expect(tornBytes).toBe(100);
});

test("every flipped bit is refused, but in the last body, which a crash can leave just so and is set aside", async () => {
  const { file } = await written(...texts3);
  const lastBody = ends3[1]! + 12;
  const lastBodySum = ends3[1]! + 8;
  for (let bit = 0; bit < 8 * file.length; bit++) {
    const damaged = file.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    if (bit >> 3 >= lastBody || (bit >> 3 >= lastBodySum && bit >> 3 < lastBody)) {
      const { records, disk, tornBytes } = await reopened(damaged);
      expect(texts(records)).toEqual(texts3.slice(0, 2));
      expect(tornBytes).toBe(24);
      expect((await disk.read("j.torn"))!.length).toBe(24);
    } else {
      await expect(reopened(damaged), `bit ${bit}`).rejects.toThrow(JournalError);
    }
  }
});

test("a record that was removed, repeated or moved is missed, with the remedy", async () => {
  const { file } = await written("one", "two", "six", "four");
  const [a, b, c, d] = [0, 15, 30, 45].map((at) => file.slice(at, at + 15)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  for (const parts of [
    [a, c, d],
    [a, b, b, c],
    [a, c, b, d],
  ]) {
    const joined = new Uint8Array(parts.flatMap((part) => [...part]));
    await expect(reopened(joined)).rejects.toThrow(
      /record \d at byte \d+ is damaged; restore the file.*stateDir/,
    );
  }
});
