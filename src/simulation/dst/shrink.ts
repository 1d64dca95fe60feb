import { type RunResult, runSeed } from "./run.ts";

/** A failing run with as few faults as were found to make it fail, by the same check. */
export interface Shrunk {
  readonly run: RunResult;
  readonly runs: number;
}

/** Enough for a hundred faults; a longer search is stopped where it stands. */
const MOST_RUNS = 400;

/**
 * Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002) over the faults that
 * happened: leaves out one part of them after the other, in ever smaller parts, as long as the run still fails. Decisions
 * have names, so that what is left happens as before.
 */
export async function shrink(failed: RunResult): Promise<Shrunk> {
  const { seed } = failed;
  const check = failed.violation!.check;
  let faults = failed.faults;
  let best = failed;
  let runs = 0;
  const stillFails = async (some: readonly string[]): Promise<boolean> => {
    runs++;
    const run = await runSeed({ seed, only: new Set(some), keepsLines: true });
    if (run.violation?.check !== check) return false;
    best = run;
    faults = run.faults;
    return true;
  };
  await stillFails(faults);
  for (let parts = 1; runs < MOST_RUNS && faults.length > 0; ) {
    const size = Math.ceil(faults.length / parts);
    const before = faults;
    let isSmaller = false;
    for (let at = 0; at < before.length && runs < MOST_RUNS && !isSmaller; at += size) {
      const gone = new Set(before.slice(at, at + size));
      isSmaller = await stillFails(before.filter((name) => !gone.has(name)));
    }
    if (isSmaller) parts = Math.max(1, parts - 1);
    else if (size === 1) break;
    else parts = Math.min(before.length, parts * 2);
  }
  return { run: best, runs };
}
