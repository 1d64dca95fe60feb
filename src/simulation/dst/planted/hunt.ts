import { type SeedResult, seedsInThread, THREAD_FILE } from "../seeds.ts";
import type { PlantedBug } from "./bug.ts";
import { type BuildCopy, copyOfBuild } from "./build-copy.ts";

/** The first seed that notices a planted bug, and how; null when none does. */
export interface Caught {
  readonly name: string;
  readonly seed: number | null;
  readonly check: string;
  readonly detail: string;
}

export interface HuntOptions {
  /** Each bug is looked for in seeds 1 to this. */
  readonly seeds: number;
  readonly threads: number;
  readonly onCaught: (caught: Caught) => void;
}

/** Longest that a hunt for one bug may take: a bug may also make everything stand still. */
const mostMs = (seeds: number): number => 300_000 + 1000 * seeds;

/**
 * Does the simulator notice? Plants one bug after the other in a copy of the build and runs seeds until one fails. Rejects
 * when a seed that caught a bug fails without one as well, which would prove nothing.
 */
export async function huntPlanted(
  bugs: readonly PlantedBug[],
  options: HuntOptions,
): Promise<readonly Caught[]> {
  const waiting = bugs.entries();
  const results: Caught[] = [];
  const work = async (): Promise<void> => {
    const copy = copyOfBuild();
    try {
      for (const [i, bug] of waiting) {
        copy.plant(bug);
        results[i] = await hunt(copy, bug.name, options.seeds);
        options.onCaught(results[i]);
      }
      copy.restore();
    } finally {
      copy.remove();
    }
  };
  await Promise.all(Array.from({ length: options.threads }, work));
  await checkControl(Math.max(0, ...results.map(({ seed }) => seed ?? 0)));
  return results;
}

async function hunt(copy: BuildCopy, name: string, seeds: number): Promise<Caught> {
  try {
    const failed = await firstFailure(copy, seeds);
    if (failed === null) return { name, seed: null, check: "none", detail: "" };
    return { name, seed: failed.seed, ...failed.violation! };
  } catch (error) {
    return { name, seed: null, check: "none", detail: (error as Error).message };
  }
}

async function firstFailure(copy: BuildCopy, seeds: number): Promise<SeedResult | null> {
  const failed: SeedResult[] = [];
  const range = { from: 1, seeds, untilFailure: true, twiceEvery: 10 };
  await seedsInThread(copy.path(THREAD_FILE), range, mostMs(seeds), (result) => {
    if (result.violation !== null) failed.push(result);
  });
  return failed[0] ?? null;
}

async function checkControl(seeds: number): Promise<void> {
  const copy = copyOfBuild();
  try {
    const failed = await firstFailure(copy, seeds);
    if (failed !== null)
      throw new Error(`seed ${failed.seed} fails without a planted bug: ${failed.violation!.detail}`);
  } finally {
    copy.remove();
  }
}
