import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../model/error.ts";

/** One process a folder: takes `DIR/lock` or throws ConfigError naming who holds it. The answer releases it. */
export function lockFolder(folder: string, option: string): () => void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "lock");
  for (;;) {
    try {
      writeFileSync(file, `${process.pid}\n`, { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const pid = holder(file);
    if (pid !== null && isAlive(pid))
      throw new ConfigError([
        { path: option, value: folder, expected: `a folder of its own: process ${pid} works in this one` },
      ]);
    rmSync(file, { force: true }); // left behind by a process that was killed
  }
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
