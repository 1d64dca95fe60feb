import type { Dataset } from "../model/dataset.ts";
import { ConfigError, type ConfigProblem } from "../model/error.ts";
import { inputsFor, problem } from "./files.ts";
import { groupsOf } from "./groups.ts";
import { type NamedClasses, namedClasses } from "./labels.ts";
import { known, readLines } from "./lines.ts";
import { type TextTokens, words } from "./tokens.ts";

export interface JsonlOptions {
  /** The field that holds an example: numbers, nested where it has more dimensions, or a text. */
  readonly input: string;
  /** The field that holds its class: whole numbers from 0, or names. */
  readonly label: string;
  readonly classes?: NamedClasses;
  /** The field that says whom it comes from. */
  readonly group?: string;
  /** How texts become numbers. */
  readonly text: TextTokens;
}

const MAX_PROBLEMS = 10;

/** One JSON object a line. All examples have one shape. Throws ConfigError naming file, line and field. */
export function readJsonl(path: string, { input, label, classes, group, text }: JsonlOptions): Dataset {
  const lines = readLines(path, "a file of JSON lines");
  if (lines.count === 0) throw problem(path, "no lines", "one JSON object a line");
  const problems: ConfigProblem[] = [];
  const labels: string[] = [];
  const groups: string[] = [];
  const [sameLabel, sameGroup] = [known(), known()];
  let whole: Pick<Dataset, "inputShape" | "inputs"> | null = null; // once there is a first example
  for (let i = 0; i < lines.count && problems.length < MAX_PROBLEMS; i++) {
    const place = lines.place(i);
    const line = lines.text(i).trim();
    const object = parsed(line);
    if (object === null) {
      problems.push({ path: place, value: line, expected: "a JSON object" });
      continue;
    }
    const example = exampleOf(object[input], text);
    if (typeof example === "string")
      problems.push({ path: `${place}: ${input}`, value: object[input], expected: example });
    else {
      const { shape, values } = example;
      const size = shape.reduce((product, n) => product * n, 1);
      whole ??= { inputShape: shape, inputs: inputsFor(path, lines.count, size) };
      const [found, first] = [shape.join("x"), whole.inputShape.join("x")];
      if (found === first) whole.inputs.set(values, i * size);
      else problems.push({ path: `${place}: ${input}`, value: found, expected: `the first's ${first}` });
    }
    for (const field of group === undefined ? [label] : [label, group])
      if (!["string", "number", "boolean"].includes(typeof object[field]))
        problems.push({ path: `${place}: ${field}`, value: object[field], expected: "a name or a number" });
    labels.push(sameLabel(String(object[label])));
    if (group !== undefined) groups.push(sameGroup(String(object[group])));
  }
  if (problems.length > 0) throw new ConfigError(problems.slice(0, MAX_PROBLEMS));
  return {
    ...whole!,
    ...namedClasses(labels, classes, (i) => `${lines.place(i)}: ${label}`),
    ...(group !== undefined && { groups: groupsOf(groups) }),
  };
}

function parsed(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

interface Example {
  readonly shape: readonly number[];
  /** At most as many as the shape has; what is missing is padding. */
  readonly values: readonly number[];
}

const IRREGULAR = "lists of one length in each of at most 3 dimensions";

/** Or what was expected in its place. */
function exampleOf(value: unknown, { steps, vocabulary }: TextTokens): Example | string {
  if (typeof value === "string") return { shape: [steps], values: words(value, vocabulary).slice(0, steps) };
  if (!Array.isArray(value) || value.length === 0) return "a list of numbers, or a text";
  const shape: number[] = [];
  for (let inner: unknown = value; Array.isArray(inner) && shape.length <= 3; inner = inner[0])
    shape.push(inner.length);
  if (shape.length > 3 || shape.includes(0) || !isRegular(value, shape)) return IRREGULAR;
  const values: unknown[] = shape.length > 1 ? value.flat(shape.length - 1) : value;
  const isNumber = (n: unknown): boolean => typeof n === "number" && Number.isFinite(Math.fround(n));
  return values.every(isNumber) ? { shape, values: values as number[] } : "numbers that float32 holds";
}

/** Whether there are lists of that length, in lists of that length, and none in the last. */
function isRegular(value: unknown, shape: readonly number[], depth = 0): boolean {
  if (!Array.isArray(value) || value.length !== shape[depth]) return false;
  return depth === shape.length - 1
    ? !value.some(Array.isArray)
    : value.every((inner) => isRegular(inner, shape, depth + 1));
}
