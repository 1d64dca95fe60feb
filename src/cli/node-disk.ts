import { constants } from "node:fs";
import { link, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { assert } from "../model/assert.ts";
import { checkFileName, type Disk } from "../model/disk.ts";

/** In this process: what is written aside has a name of its own, whoever else writes the same file. */
let numAside = 0;

/** The one place that writes durable files: a folder, made with its first file. */
export function nodeDisk(folder: string): Disk {
  /** Files whose names are durable. */
  const named = new Set<string>();
  const path = (name: string): string => {
    checkFileName(name);
    return join(folder, name);
  };

  const makeFolder = async (): Promise<void> => {
    const first = await mkdir(folder, { recursive: true });
    if (first === undefined) return;
    // every folder that is new is named by the one above it
    for (let made = resolve(folder); ; made = dirname(made)) {
      await syncFolder(dirname(made));
      if (made === resolve(first)) return;
    }
  };

  const withFile = async (file: string, flags: string | number, action: (file: Handle) => Promise<void>) => {
    const handle = await open(file, flags);
    try {
      await action(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
  };

  /** Writes a file aside, and has `place` bring it to its name; whatever happens, nothing of it stays aside. */
  const placed = async (name: string, bytes: Uint8Array, place: (aside: string) => Promise<void>) => {
    await makeFolder();
    const aside = `${path(name)}.${process.pid}-${numAside++}.tmp`;
    try {
      await withFile(aside, "w", (file) => file.writeFile(bytes));
      await place(aside);
    } finally {
      await rm(aside, { force: true });
    }
    await syncFolder(folder);
    named.add(name);
  };

  /** A new file's name is durable only with its folder. */
  const nameIt = async (name: string): Promise<void> => {
    if (!named.has(name)) await syncFolder(folder);
    named.add(name);
  };

  return {
    list: async () => {
      const entries = await orNull(readdir(folder, { withFileTypes: true }));
      return (entries ?? []).flatMap((entry) => (entry.isFile() ? [entry.name] : [])).sort();
    },
    read: (name) => orNull(readFile(path(name))),
    create: async (name, bytes) => {
      let isNew = true;
      await placed(name, bytes, async (aside) => {
        try {
          await link(aside, path(name)); // unlike rename it leaves what is there alone
        } catch (error) {
          if (codeOf(error) !== "EEXIST") throw error;
          isNew = false;
        }
      });
      return isNew;
    },
    write: (name, bytes) => placed(name, bytes, (aside) => rename(aside, path(name))),
    extend: async (name, at, bytes) => {
      await makeFolder();
      await withFile(path(name), O_WRONLY | (at === 0 ? O_CREAT : 0), (file) => writeAt(file, at, bytes));
      await nameIt(name);
    },
    flush: async (name) => {
      const synced = await orNull(withFile(path(name), O_WRONLY, async () => {}).then(() => true));
      if (synced) await nameIt(name);
    },
    remove: async (names) => {
      if (names.length === 0) return;
      for (const name of names) {
        await rm(path(name), { force: true });
        named.delete(name);
      }
      await orNull(syncFolder(folder));
    },
  };
}

const { O_CREAT, O_WRONLY } = constants;

type Handle = Awaited<ReturnType<typeof open>>;

async function writeAt(file: Handle, at: number, bytes: Uint8Array): Promise<void> {
  const { size } = await file.stat();
  assert(at <= size, `${at} is in the file of ${size} bytes, or its end`);
  for (let done = 0; done < bytes.length; )
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Null for what is not there. */
async function orNull<T>(action: Promise<T>): Promise<T | null> {
  try {
    return await action;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
}
