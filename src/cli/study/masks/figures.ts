import { mean, spread } from "../statistics.ts";
import type { RegimeName } from "./grid.ts";
import type { Run } from "./run.ts";
import type { Row } from "./study.ts";

/** The share of a run's rounds, at its end, whose mean accuracy is what it came to. */
const LAST = 1 / 8;

/** What chance gets right of ten classes: of a run that came to no numbers. */
const CHANCE = 0.1;

/** What a run may lose by a rate that is too high before it counts as diverged. */
const COLLAPSE = 0.1;

export function finalOf({ accuracy, ended }: Run): number {
  return ended === "no numbers" ? CHANCE : mean(accuracy.slice(-Math.ceil(LAST * accuracy.length)));
}

/**
 * Whether a run came to no numbers, or has come apart: it ends more than 10 points below `reference`, the same rule in
 * the same seed at the best rate. Null for rates below that, where a run is only slow.
 */
export const isDiverged = (run: Run, reference: Run | null): boolean =>
  run.ended === "no numbers" || (reference !== null && finalOf(run) < finalOf(reference) - COLLAPSE);

/** A row's accuracy minus that of the better of the other two rules, in the same seeds. */
export interface Difference {
  readonly mean: number;
  readonly spread: number;
}

export function differenceOf(
  row: Row,
  rows: readonly Row[],
  of: "accuracy" | "accuracyAtOne" = "accuracy",
): Difference {
  const others = rows.filter(({ regime, rule }) => regime === row.regime && rule !== row.rule);
  const better = others.reduce((a, b) => (mean(b[of]) > mean(a[of]) ? b : a));
  const pairs = row[of].map((accuracy, i) => accuracy - better[of][i]!);
  return { mean: mean(pairs), spread: spread(pairs) };
}

export const regimesOf = (rows: readonly Row[]): readonly RegimeName[] => [
  ...new Set(rows.map(({ regime }) => regime)),
];

/** Runs that diverged at server rates up to `rate`, of how many. */
export function divergedUpTo(
  { diverged }: Row,
  rate: number,
): { readonly runs: number; readonly of: number } {
  const counted = diverged.filter(({ serverRate }) => serverRate <= rate);
  return {
    runs: counted.reduce((sum, { runs }) => sum + runs, 0),
    of: counted.reduce((sum, { of }) => sum + of, 0),
  };
}
