import { ConfigError } from "../model/error.ts";
import { derive, permutation } from "../model/rng.ts";

/** Shares (0 to 1, together below 1) of the examples that no client sees. */
export interface Holdout {
  /** To measure accuracy. */
  readonly test: number;
  /** To distill with. */
  readonly transfer: number;
  /** Whether every class gives as many rows, as it does when this is left out; else rows are drawn whatever their class. */
  readonly balanced?: boolean;
}

/** Rows of a data set, rising in each; every row is in exactly one. */
export interface Split {
  readonly test: Uint32Array;
  readonly transfer: Uint32Array;
  readonly train: Uint32Array;
}

/**
 * A seeded holdout. Balanced: every class gives the same number of rows. Of its shuffled rows the first
 * round(test * count / numClasses) are test, those up to round((test + transfer) * count / numClasses) transfer; so
 * the train rows depend on the total alone, which is all that a client is told. Throws ConfigError when a class is
 * too rare, or when a share is above zero and rounds to no row.
 */
export function splitHoldout(labels: Int32Array, numClasses: number, holdout: Holdout, seed: number): Split {
  const isBalanced = holdout.balanced ?? true;
  const numParts = isBalanced ? numClasses : 1;
  const perClass = (share: number): number => roundHalfUp(share, labels.length, numParts);
  const numTest = perClass(holdout.test);
  const numHeld = perClass(holdout.test + holdout.transfer);
  if ((holdout.test > 0 && numTest === 0) || (holdout.transfer > 0 && numHeld === numTest))
    throw problem(
      holdout,
      `shares that give each of ${numParts} classes at least one of ${labels.length} rows`,
    );

  const split = { test: [] as number[], transfer: [] as number[], train: [] as number[] };
  const parts = isBalanced ? rowsByClass(labels, numClasses) : [[...labels.keys()]];
  parts.forEach((rows, label) => {
    if (rows.length < numHeld)
      throw problem(
        holdout,
        `at most ${rows.length} held-out rows a class, for class ${label} has no more; or balanced: false`,
      );
    permutation(rows.length, derive(seed, "holdout", label)).forEach((place, i) => {
      const part = i < numTest ? split.test : i < numHeld ? split.transfer : split.train;
      part.push(rows[place]!);
    });
  });
  return { test: rising(split.test), transfer: rising(split.transfer), train: rising(split.train) };
}

/** The rows of every class, rising. */
export function rowsByClass(labels: Int32Array, numClasses: number): number[][] {
  const rows = Array.from({ length: numClasses }, (): number[] => []);
  labels.forEach((label, row) => {
    rows[label]!.push(row);
  });
  return rows;
}

export const rising = (rows: readonly number[]): Uint32Array => Uint32Array.from(rows).sort();

/** Shares count in millionths, so that 0.1 + 0.2 and 0.3 are the same share. */
const roundHalfUp = (share: number, count: number, numClasses: number): number =>
  Math.floor((Math.round(share * 1e6) * count) / (numClasses * 1e6) + 0.5);

const problem = (value: Holdout, expected: string): ConfigError =>
  new ConfigError([{ path: "data.holdout", value, expected }]);
