import { checkFileName, type Disk, extended } from "../../src/model/disk.ts";
import type { Rng } from "../../src/model/rng.ts";

/**
 * A disk as a machine has it: what is written is seen by everybody at once, and is there after a power cut only once it was
 * synced. An operation is the steps that `cli/node-disk` makes; `step` comes before each, so that a test can order those
 * of operations that run at the same time, and look at what a crash would leave.
 */
export interface CrashDisk extends Disk {
  /** What is there after the power was cut now: of all that was not synced some is there and some is not. */
  readonly afterPowerCut: (rng: Rng) => Files;
  /** What is there after the process was killed now. */
  readonly afterKill: () => Files;
}

export type Files = ReadonlyMap<string, Uint8Array>;

/** A page: what reaches the disk as one. Real ones have 512 bytes or more; small ones tear more. */
const PAGE = 16;

interface Inode {
  bytes: Uint8Array;
  durable: Uint8Array;
}

export function crashDisk(files: Files = new Map(), step: () => Promise<void> = async () => {}): CrashDisk {
  const seen = new Map<string, Inode>();
  for (const [name, bytes] of files) seen.set(name, { bytes, durable: bytes });
  const durableNames = new Map(seen);
  /** Of the folder, since it was last synced. */
  let pending: (readonly [string, Inode | null])[] = [];
  let numTemporary = 0;

  const rename = (name: string, inode: Inode | null): void => {
    if (inode === null) seen.delete(name);
    else seen.set(name, inode);
    pending.push([name, inode]);
  };
  const syncFile = async (inode: Inode): Promise<void> => {
    await step();
    inode.durable = inode.bytes;
  };
  const sync = async (name: string, inode: Inode): Promise<void> => {
    await syncFile(inode);
    if (durableNames.get(name) !== inode) await syncFolder();
  };
  const syncFolder = async (): Promise<void> => {
    await step();
    for (const [name, inode] of pending)
      if (inode === null) durableNames.delete(name);
      else durableNames.set(name, inode);
    pending = [];
  };
  const place = async (name: string, bytes: Uint8Array, isNew: boolean): Promise<boolean> => {
    checkFileName(name);
    const aside = `${name}.${numTemporary++}.tmp`;
    const inode: Inode = { bytes: new Uint8Array(), durable: new Uint8Array() };
    await step();
    rename(aside, inode);
    await step();
    inode.bytes = bytes.slice();
    await syncFile(inode);
    await step();
    const isPlaced = !isNew || !seen.has(name);
    if (isPlaced) rename(name, inode);
    rename(aside, null);
    await syncFolder();
    return isPlaced;
  };

  return {
    list: async () => {
      await step();
      return [...seen.keys()].sort();
    },
    read: async (name) => {
      await step();
      return seen.get(name)?.bytes.slice() ?? null;
    },
    create: (name, bytes) => place(name, bytes, true),
    write: async (name, bytes) => {
      await place(name, bytes, false);
    },
    extend: async (name, at, bytes) => {
      checkFileName(name);
      await step();
      if (at === 0 && !seen.has(name)) rename(name, { bytes: new Uint8Array(), durable: new Uint8Array() });
      const inode = seen.get(name);
      await step();
      const after = extended(inode?.bytes ?? null, at, bytes);
      inode!.bytes = after;
      await sync(name, inode!);
    },
    flush: async (name) => {
      await step();
      const inode = seen.get(name);
      if (inode !== undefined) await sync(name, inode);
    },
    remove: async (names) => {
      for (const name of names) {
        await step();
        if (seen.has(name)) rename(name, null);
      }
      if (names.length > 0) await syncFolder();
    },
    afterPowerCut: (rng) => {
      const names = new Map(durableNames);
      for (const [name, inode] of pending) {
        if (rng.uniform() < 0.5) continue;
        if (inode === null) names.delete(name);
        else names.set(name, inode);
      }
      return new Map([...names].map(([name, inode]) => [name, torn(inode, rng)]));
    },
    afterKill: () => new Map([...seen].map(([name, { bytes }]) => [name, bytes.slice()])),
  };
}

/** Any length between the old and the new, and of every page what was there before or what is to be. */
function torn({ bytes, durable }: Inode, rng: Rng): Uint8Array {
  if (bytes === durable) return bytes.slice();
  const [least, most] = [Math.min(bytes.length, durable.length), Math.max(bytes.length, durable.length)];
  const share = rng.below(4); // of pages that made it: none, some, most, all
  const length = [least, least + rng.below(most - least + 1), most, most][rng.below(4)]!;
  const image = new Uint8Array(length);
  for (let at = 0; at < length; at += PAGE) {
    const from = rng.below(3) < share ? bytes : durable;
    image.set(from.subarray(at, Math.min(at + PAGE, length)), at);
  }
  return image;
}
