import { ConfigError } from "../model/error.ts";

/** More classes than this are taken for a mistake, such as a column of measurements given as labels. */
const MAX_CLASSES = 65_536;

export interface ClassLabels {
  readonly labels: Int32Array;
  readonly numClasses: number;
  /** By their numbers; left out where a file has numbers. */
  readonly classNames?: readonly string[];
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

/** How many classes there are (numbers), or their names in order; left out: what is there, names sorted. */
export type NamedClasses = number | readonly string[];

/** Classes as a file has them: whole numbers from 0, or names. `place` names the i-th row's in errors. */
export function namedClasses(
  texts: readonly string[],
  classes: NamedClasses | undefined,
  place: (row: number) => string,
): ClassLabels {
  const cleaned = texts.map((text) => text.trim());
  const refuse = (row: number, expected: string): never => {
    throw new ConfigError([{ path: place(row), value: texts[row], expected }]);
  };
  const empty = cleaned.indexOf("");
  if (empty >= 0) refuse(empty, "a class");
  const firstName = cleaned.findIndex((text) => !/^\d+(\.0*)?$/.test(text));
  if (typeof classes === "number" && firstName >= 0)
    refuse(firstName, `a class, 0 to ${classes - 1}; names are told by classes=NAME,NAME`);
  if (typeof classes === "number" || (classes === undefined && firstName < 0))
    return classLabels(cleaned.map(Number), typeof classes === "number" ? classes : undefined, place);
  const names = classes ?? [...new Set(cleaned)].sort();
  if (names.length > MAX_CLASSES)
    throw new ConfigError([
      { path: place(0), value: names.length, expected: `at most ${MAX_CLASSES} classes` },
    ]);
  const byName = new Map(names.map((name, i) => [name, i]));
  const numbers = cleaned.map((name, row) => {
    const label = byName.get(name);
    return label ?? refuse(row, `one of ${names.join(", ")}`);
  });
  return { ...classLabels(numbers, names.length, place), classNames: names };
}
