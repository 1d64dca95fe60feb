import { execFileSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A disk of a given size, in memory; the reason when there can be none, as without root. */
export function smallDisk(
  folder: string,
  size: string,
): { readonly reason: string } | { readonly path: string } {
  const path = join(folder, "disk");
  mkdirSync(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path], { stdio: "pipe" });
  } catch (error) {
    return { reason: `no tmpfs can be mounted here: ${(error as Error).message.trim()}` };
  }
  onTestFinished(() => void execFileSync("umount", ["-l", path]));
  return { path };
}

/** Fills a disk up to so many bytes; the answer gives the room back. */
export function fill(disk: string, leaveBytes = 0): () => void {
  const file = join(disk, "filler");
  const handle = openSync(file, "w");
  let length = 0;
  try {
    for (;;) length += writeSync(handle, new Uint8Array(4096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
  ftruncateSync(handle, Math.max(0, length - leaveBytes));
  closeSync(handle);
  return () => rmSync(file);
}
