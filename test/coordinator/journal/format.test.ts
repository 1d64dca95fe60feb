import { readFileSync } from "node:fs";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { expect, test } from "vitest";
import { isOneBitOff } from "../../../src/coordinator/journal/framing.ts";
import { readJournal } from "../../../src/coordinator/journal/read.ts";
import { memoryDisk } from "../../../src/simulation/memory.ts";
import { crc32c } from "../../../src/wire/checksum.ts";
import { utf8 } from "../../suites/disk.ts";
import { openTiny } from "../../suites/journal.ts";

/** The files of a small journal by their names, in hex. */
const golden: Record<string, string> = JSON.parse(
  readFileSync(new URL("../../vectors/journal.json", import.meta.url), "utf8"),
);

async function written() {
  const disk = memoryDisk();
  const first = await openTiny(disk, { keep: "all" });
  await Promise.all(["one", "two"].map((record) => first.journal.append(utf8(record))));
  await first.journal.append(new Uint8Array(101).fill(7));
  await first.journal.snapshot(utf8("state of three"));
  await first.journal.append(utf8("four"));
  await openTiny(disk, { keep: "all" });
  return disk;
}

test("the golden journal is written again to the bit, and read", async () => {
  const disk = await written();
  const files: Record<string, string> = {};
  for (const name of await disk.list()) files[name] = bytesToHex((await disk.read(name))!);
  expect(files).toEqual(golden);

  const copy = memoryDisk();
  for (const [name, hex] of Object.entries(golden)) await copy.write(name, hexToBytes(hex));
  const { snapshot, records, repairs } = await readJournal(copy, "snapshot");
  expect([snapshot, records.map(({ bytes }) => bytes), repairs]).toEqual([
    utf8("state of three"),
    [utf8("four")],
    [],
  ]);
  expect((await readJournal(copy, "first")).records).toHaveLength(4);
});

test("the page's example is in the vector", () => {
  const page = readFileSync(new URL("../../../docs/journal.md", import.meta.url), "utf8");
  const [, before, after] = /the first record after the head is `([0-9a-f ]+)`, a hash, `([0-9a-f ]+)`/.exec(
    page,
  )!;
  const packed = (hex: string) => hex.replaceAll(" ", "");
  expect(golden["segment-00000001-00000001"]).toMatch(
    new RegExp(`${packed(before!)}[0-9a-f]{64}${packed(after!)}`),
  );
});

test("a segment read by hand, from the page alone", () => {
  const file = hexToBytes(golden["segment-00000001-00000001"]!);
  const view = new DataView(file.buffer);
  const found: { durable: number; kind: number; bytes: Uint8Array }[] = [];
  let previous: Uint8Array = new Uint8Array(32);
  for (let at = 0; at < file.length; ) {
    const length = view.getUint32(at, true);
    expect(bytesToHex(file.slice(at + 8, at + 40))).toBe(bytesToHex(previous));
    const body = file.slice(at + 48, at + 48 + length);
    expect(view.getUint32(at + 40, true)).toBe(crc32c(body));
    expect(view.getUint32(at + 44, true)).toBe(crc32c(file.slice(at, at + 44)));
    found.push({ durable: view.getUint32(at + 4, true), kind: body[0]!, bytes: body.slice(1) });
    previous = sha256(file.slice(at, at + 48 + length));
    at += 48 + length;
  }
  const head = '{"format":1,"segment":"segment-00000001-00000001","previous":null,"snapshot":null}';
  const start = 48 + 1 + head.length;
  const large = new Uint8Array(101).fill(7);
  expect(found).toEqual([
    { durable: 0, kind: 0, bytes: utf8(head) },
    { durable: start, kind: 1, bytes: utf8("one") },
    { durable: start, kind: 1, bytes: utf8("two") }, // in one flush
    { durable: start + 2 * 52, kind: 2, bytes: Uint8Array.of(...sha256(large), 101, 0, 0, 0) },
  ]);
  expect(golden[`blob-${bytesToHex(sha256(large))}`]).toBe(bytesToHex(large));
  expect(golden[`blob-${bytesToHex(sha256(utf8("state of three")))}`]).toBeDefined();
});

test("one flipped bit is told from other damage, wherever it is", () => {
  const bytes = Uint8Array.from({ length: 60 }, (_, i) => i * 7);
  const sum = crc32c(bytes);
  expect(isOneBitOff(bytes, sum)).toBe(false);
  for (let bit = 0; bit < 32; bit++) expect(isOneBitOff(bytes, (sum ^ (1 << bit)) >>> 0)).toBe(true);
  const flip = (of: Uint8Array, bit: number) =>
    of.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
  for (let bit = 0; bit < 480; bit++) {
    expect(isOneBitOff(flip(bytes, bit), sum)).toBe(true);
    expect(isOneBitOff(flip(flip(bytes, bit), (bit * 31 + 1) % 480), sum)).toBe(bit * 30 + 1 === 0);
  }
});
