import { mean } from "../statistics.ts";
import type { Run } from "./run.ts";

/** Rounds whose mean accuracy counts: a single one may be luck. */
const WINDOW = 3;

/** The share of a run's rounds, at its end, whose mean accuracy is its plateau. */
const LAST = 1 / 5;

/** The first round, from 0, that ends `WINDOW` rounds whose mean accuracy is `target` or more; null when none does. */
export function reachedAt(accuracy: readonly number[], target: number): number | null {
  for (let end = WINDOW; end <= accuracy.length; end++)
    if (mean(accuracy.slice(end - WINDOW, end)) >= target) return end - 1;
  return null;
}

/** Of a run that came to no numbers: nothing. */
export const plateauOf = ({ accuracy, ended }: Run): number =>
  ended === "no numbers" || accuracy.length === 0
    ? 0
    : mean(accuracy.slice(-Math.ceil(LAST * accuracy.length)));

/** What it had cost when the target was reached, of all frames both ways; Infinity when it was not. */
export function bytesTo(run: Run, target: number, count: "golomb" | "sent"): number {
  const round = reachedAt(run.accuracy, target);
  return round === null ? Infinity : run[count][round]!;
}
