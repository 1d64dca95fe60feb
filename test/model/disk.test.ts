import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeDisk } from "../../src/cli/node-disk.ts";
import { discardingDisk, memoryDisk } from "../../src/simulation/memory.ts";
import { crashDisk } from "../suites/crash-disk.ts";
import { diskSuite, utf8 } from "../suites/disk.ts";
import { temporaryFolder } from "../temporary.ts";

diskSuite("node", () => {
  const folder = join(temporaryFolder(), "not", "there", "yet");
  return { disk: nodeDisk(folder), again: () => nodeDisk(folder) };
});

diskSuite("memory", () => {
  const disk = memoryDisk();
  return { disk, again: () => disk };
});

diskSuite("one that can crash", () => {
  const disk = crashDisk();
  return { disk, again: () => disk };
});

test("node: nothing is left aside, and folders are no files", async () => {
  const folder = temporaryFolder();
  const disk = nodeDisk(folder);
  mkdirSync(join(folder, "folder"));
  symlinkSync("/etc/hostname", join(folder, "link"));
  await Promise.all([1, 2, 3].map((i) => disk.write("a", utf8(`${i}`))));
  await expect(disk.write("folder", utf8("x"))).rejects.toThrow();
  expect(readdirSync(folder).sort()).toEqual(["a", "folder", "link"]);
  expect(await disk.list()).toEqual(["a"]);
  writeFileSync(join(folder, "a.1-1.tmp"), "");
  expect(await disk.list()).toEqual(["a", "a.1-1.tmp"]);
});

test("the discarding disk knows whose it is, and nothing else", async () => {
  const disk = discardingDisk();
  await disk.write("a", utf8("x"));
  await disk.extend("b", 0, utf8("x"));
  expect(await disk.create("c", utf8(""))).toBe(true);
  expect(await disk.create("c", utf8(""))).toBe(false);
  expect(await disk.list()).toEqual(["c"]);
  await disk.remove(["c"]);
  expect(await disk.read("c")).toBeNull();
});
