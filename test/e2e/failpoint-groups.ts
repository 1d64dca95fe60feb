import { writeSync } from "node:fs";
import type { Recovery } from "./killed-run.ts";

/** Chains of lives as they are: a run for each. Or, with FEDPRESS_FAILPOINTS=each, a run for each life, as `alone` has it. */
export const groupsOf = (
  chains: readonly (readonly string[])[],
  alone = (life: string): readonly string[] => [life],
): readonly (readonly string[])[] =>
  process.env.FEDPRESS_FAILPOINTS === "each" ? chains.flat().map(alone) : chains;

/** Printed, not asserted: what a machine that runs other tests beside needs says little. */
export function tellRecoveries(recoveries: readonly Recovery[]): void {
  for (const { failpoint, ms } of recoveries)
    if (ms !== null)
      writeSync(2, `  after ${failpoint.padEnd(20)} back in ${ms.toFixed(0).padStart(5)} ms\n`);
}
