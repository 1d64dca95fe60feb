import { writeSync } from "node:fs";
import type { Recovery } from "./killed-run.ts";

/** Lives of one process, in an order in which each of them comes to its end. */
export type Chain = readonly string[];

export interface Chains {
  /** Every place, at one moment. */
  readonly short: readonly Chain[];
  /** Every place at every moment. */
  readonly all: readonly Chain[];
}

/** A run for each of the short chains; with FEDPRESS_FAILPOINTS=each, one for each life of all, as `alone` has it. */
export const groupsOf = (
  { short, all }: Chains,
  alone = (life: string): readonly string[] => [life],
): readonly Chain[] => (process.env.FEDPRESS_FAILPOINTS === "each" ? all.flat().map(alone) : short);

/** Of the lives in chains: where each of them ends. */
export const placesOf = (chains: readonly Chain[]): readonly string[] =>
  [...new Set(chains.flat().map((life) => life.split(":")[0]!))].sort();

/** Printed, not asserted: what a machine that runs other tests beside needs says little. */
export function tellRecoveries(recoveries: readonly Recovery[]): void {
  for (const { failpoint, ms } of recoveries)
    if (ms !== null)
      writeSync(2, `  after ${failpoint.padEnd(20)} back in ${ms.toFixed(0).padStart(5)} ms\n`);
}
