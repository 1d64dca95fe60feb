import { writeSync } from "node:fs";
import type { Recovery } from "./killed-run.ts";

/** Chains of lives as they are: a run for each chain. Or, with FEDPRESS_FAILPOINTS=each, a run for each life. */
export const groupsOf = (chains: readonly (readonly string[])[]): readonly (readonly string[])[] =>
  process.env.FEDPRESS_FAILPOINTS === "each" ? chains.flat().map((life) => [life]) : chains;

/** Printed, not asserted: what a machine that runs other tests beside needs says little. */
export function tellRecoveries(recoveries: readonly Recovery[]): void {
  for (const { failpoint, ms } of recoveries)
    if (ms !== null)
      writeSync(2, `  after ${failpoint.padEnd(20)} back in ${ms.toFixed(0).padStart(5)} ms\n`);
}
