import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk of a given size, in memory. */
export interface SmallDisk {
  readonly path: (name: string) => string;
  readonly remove: () => void;
}

/** The reason when there can be none, as without root. */
export function smallDisk(size: string): SmallDisk | { readonly reason: string } {
  const folder = mkdtempSync(join(tmpdir(), "fedpress-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], { stdio: "pipe" });
  } catch (error) {
    rmdirSync(folder);
    return { reason: `no tmpfs can be mounted here: ${(error as Error).message.trim()}` };
  }
  return {
    path: (name) => join(folder, name),
    remove: () => {
      execFileSync("umount", ["-l", folder]);
      rmdirSync(folder);
    },
  };
}

/** Takes all the room there is; the answer gives it back. */
export function fill(disk: SmallDisk): () => void {
  const file = disk.path("filler");
  const handle = openSync(file, "w");
  try {
    for (;;) writeSync(handle, new Uint8Array(4096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(handle);
  }
  return () => rmSync(file);
}
