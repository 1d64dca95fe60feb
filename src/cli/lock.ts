import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../model/error.ts";

/** One process a folder: takes `DIR/lock` or throws ConfigError naming who holds it. The answer releases it. */
export function lockFolder(folder: string, option: string): () => void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "lock");
  const own = `${file}.${process.pid}`;
  writeFileSync(own, `${process.pid}\n`); // linked into place whole, so that nobody reads half a lock
  try {
    while (!linked(own, file)) {
      const pid = holder(file);
      if (pid !== null && isAlive(pid)) throw taken(folder, option, file, pid);
      removeStale(file, pid);
    }
    return () => {
      if (holder(file) === process.pid) rmSync(file, { force: true });
    };
  } finally {
    rmSync(own, { force: true });
  }
}

const taken = (folder: string, option: string, file: string, pid: number): ConfigError =>
  new ConfigError([
    {
      path: option,
      value: folder,
      expected: `a folder of its own: process ${pid} works in this one (if that is another program, delete ${file})`,
    },
  ]);

function linked(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  }
}

/** Takes a lock away that a killed process left behind; one that somebody took meanwhile is put back. */
function removeStale(file: string, pid: number | null): void {
  const aside = `${file}.stale-${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return; // somebody else was faster
    throw error;
  }
  if (holder(aside) !== pid) linked(aside, file);
  rmSync(aside, { force: true });
}

function holder(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false; // a pid that was ours in another life, as in a container
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
