import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Disk } from "../model/disk.ts";

/** The one place that writes durable files: a folder, made with its first file. */
export function nodeDisk(folder: string): Disk {
  const appended = new Set<string>();
  const path = (name: string) => join(folder, name);

  const syncFolder = async (): Promise<void> => {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  };

  const withFile = async (
    name: string,
    flags: string,
    action: (file: Awaited<ReturnType<typeof open>>) => Promise<void>,
  ) => {
    await mkdir(folder, { recursive: true });
    const file = await open(path(name), flags);
    try {
      await action(file);
      await file.sync();
    } finally {
      await file.close();
    }
  };

  return {
    read: async (name) => {
      try {
        return await readFile(path(name));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
      }
    },
    write: async (name, bytes) => {
      const temporary = `${name}.tmp`;
      try {
        await withFile(temporary, "w", (file) => file.writeFile(bytes));
        await rename(path(temporary), path(name));
      } catch (error) {
        await rm(path(temporary), { force: true });
        throw error;
      }
      await syncFolder();
    },
    append: async (name, bytes) => {
      await withFile(name, "a", (file) => file.writeFile(bytes));
      if (!appended.has(name)) await syncFolder(); // a new file's name is durable only with its folder
      appended.add(name);
    },
    truncate: (name, length) => withFile(name, "r+", (file) => file.truncate(length)),
  };
}
