import { ConfigError } from "../model/error.ts";

/** More classes than this are taken for a mistake, such as a column of measurements given as labels. */
export const MAX_CLASSES = 65_536;

export interface ClassLabels {
  readonly labels: Int32Array;
  readonly numClasses: number;
}

/**
 * Whole numbers as classes. Without `numClasses` the highest decides; a client that may lack a class says it, or its
 * model would have another shape than its peers'. `place` names the i-th label in errors.
 */
export function classLabels(
  values: readonly number[],
  numClasses: number | undefined,
  place: (i: number) => string,
): ClassLabels {
  const limit = numClasses ?? MAX_CLASSES;
  const labels = new Int32Array(new SharedArrayBuffer(4 * values.length));
  let highest = 0;
  values.forEach((value, i) => {
    if (!(Number.isInteger(value) && value >= 0 && value < limit))
      throw new ConfigError([{ path: place(i), value, expected: `a class, 0 to ${limit - 1}` }]);
    labels[i] = value;
    highest = Math.max(highest, value);
  });
  return { labels, numClasses: numClasses ?? highest + 1 };
}
