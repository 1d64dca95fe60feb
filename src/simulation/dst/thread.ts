import { parentPort, workerData } from "node:worker_threads";
import { runSeed } from "./run.ts";
import type { SeedRange, SeedResult } from "./seeds.ts";

/** Runs a range of seeds and posts what came of each. */
const { from, seeds, untilFailure, twiceEvery } = workerData as SeedRange;
for (let seed = from; seed < from + seeds; seed++) {
  const { lines: _, faults, ...result } = await runSeed({ seed });
  let { violation } = result;
  if (violation === null && seed % twiceEvery === 0) {
    const again = await runSeed({ seed });
    if (again.hash !== result.hash || again.events !== result.events)
      violation = { check: "replay", detail: `the seed runs in two ways: ${result.hash} and ${again.hash}` };
  }
  parentPort!.postMessage({ ...result, violation, numFaults: faults.length } satisfies SeedResult);
  if (violation !== null && untilFailure) break;
}
