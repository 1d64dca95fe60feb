import { setTimeout as pause } from "node:timers/promises";
import { startFederation } from "./federation.ts";
import { fill, smallDisk } from "./small-disk.ts";

export interface DiskFigures {
  readonly name: "disk-full";
  /** Why it could not be done here; null when it was. */
  readonly leftOut: string | null;
  readonly fullMs: number;
  readonly receipts: number;
  readonly problems: readonly string[];
  readonly folders: readonly string[];
}

const all = { clients: 3, goal: 3, overSelection: 1, rounds: 40, reportDeadline: "10m" };
const FULL_MS = 3000;
const PATIENCE_MS = 180_000;

/**
 * The journal's disk is full for a while in the middle of a run: no receipt meanwhile, and then it goes on by itself, to
 * the model of a run that always had room. On a tmpfs of a given size, which takes root to mount.
 */
export async function diskScenario(seed: number, signal: AbortSignal): Promise<DiskFigures> {
  const disk = smallDisk("2m");
  const figures = {
    name: "disk-full",
    leftOut: null,
    fullMs: 0,
    receipts: 0,
    problems: [],
    folders: [],
  } as const;
  if ("reason" in disk) return { ...figures, leftOut: disk.reason };
  try {
    const undisturbed = await startFederation({ ...all, seed, signal });
    const expected = await undisturbed.conclude(PATIENCE_MS).finally(undisturbed.close);
    const federation = await startFederation({ ...all, seed, signal, stateDir: disk.path("state") });
    const found: string[] = [];
    try {
      const seen = (pattern: RegExp): Promise<boolean> => federation.coordinatorSaid(pattern, PATIENCE_MS);
      await federation.coordinatorSaid(/ v10 /, PATIENCE_MS);
      const makeRoom = fill(disk);
      const began = performance.now();
      if (!(await seen(/waiting for room on the disk/))) found.push("nobody notices that the disk is full");
      await pause(200); // what was acknowledged before it was full is heard
      const before = federation.receipts();
      await pause(FULL_MS, undefined, { signal }).catch(() => {});
      const meanwhile = federation.receipts() - before;
      if (meanwhile > 0) found.push(`${meanwhile} receipts while the disk was full`);
      makeRoom();
      const fullMs = performance.now() - began;
      const { digest, receipts } = await federation.conclude(PATIENCE_MS);
      if (digest !== expected.digest && !signal.aborted)
        found.push(`came to model ${digest}, with room ${expected.digest}`);
      const problems = [...undisturbed.problems(), ...federation.problems(), ...found];
      return {
        ...figures,
        fullMs,
        receipts,
        problems,
        folders: problems.length > 0 ? [federation.folder] : [],
      };
    } finally {
      await federation.close();
    }
  } finally {
    disk.remove();
  }
}
