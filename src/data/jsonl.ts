import type { Dataset } from "../model/dataset.ts";
import { ConfigError, type ConfigProblem } from "../model/error.ts";
import { checkRoom, inputsFor, problem, readText } from "./files.ts";
import { groupsOf } from "./groups.ts";
import { type NamedClasses, namedClasses } from "./labels.ts";
import { fillRow, type TextTokens, words } from "./tokens.ts";

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
  const lines = readText(path, "a file of JSON lines")
    .split("\n")
    .map((line, i) => ({ line: line.trim(), place: `${path}:${i + 1}` }))
    .filter(({ line }) => line !== "");
  if (lines.length === 0) throw problem(path, "no lines", "one JSON object a line");
  const problems: ConfigProblem[] = [];
  const rows: { readonly example: Example; readonly label: string; readonly group: string }[] = [];
  for (const { line, place } of lines) {
    if (problems.length >= MAX_PROBLEMS) break;
    const object = parsed(line);
    if (object === null) {
      problems.push({ path: place, value: line, expected: "a JSON object" });
      continue;
    }
    const example = exampleOf(object[input], text);
    if (typeof example === "string")
      problems.push({ path: `${place}: ${input}`, value: object[input], expected: example });
    if (typeof example !== "string" && rows.length === 0)
      checkRoom(path, lines.length, example.values.length);
    const shapeBefore = rows[0]?.example.shape.join("x");
    if (typeof example !== "string" && shapeBefore !== undefined && example.shape.join("x") !== shapeBefore)
      problems.push({
        path: `${place}: ${input}`,
        value: example.shape.join("x"),
        expected: `the first's ${shapeBefore}`,
      });
    for (const field of group === undefined ? [label] : [label, group])
      if (!["string", "number", "boolean"].includes(typeof object[field]))
        problems.push({ path: `${place}: ${field}`, value: object[field], expected: "a name or a number" });
    if (typeof example !== "string")
      rows.push({
        example,
        label: String(object[label]),
        group: group === undefined ? "" : String(object[group]),
      });
  }
  if (problems.length > 0) throw new ConfigError(problems.slice(0, MAX_PROBLEMS));
  const inputShape = rows[0]!.example.shape;
  const size = inputShape.reduce((product, n) => product * n, 1);
  const inputs = inputsFor(path, rows.length, size);
  rows.forEach(({ example }, i) => {
    inputs.set(example.values, i * size);
  });
  return {
    inputShape,
    inputs,
    ...namedClasses(
      rows.map((row) => row.label),
      classes,
      (i) => `${lines[i]!.place}: ${label}`,
    ),
    ...(group !== undefined && { groups: groupsOf(rows.map((row) => row.group)) }),
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
  readonly values: Float32Array;
}

/** Or what was expected in its place. */
function exampleOf(value: unknown, { steps, vocabulary }: TextTokens): Example | string {
  if (typeof value === "string") {
    const row = new Float32Array(steps);
    fillRow(row, words(value, vocabulary));
    return { shape: [steps], values: row };
  }
  if (!Array.isArray(value) || value.length === 0) return "a list of numbers, or a text";
  const shape: number[] = [];
  for (let inner: unknown = value; Array.isArray(inner) && shape.length <= 3; inner = inner[0])
    shape.push(inner.length);
  if (shape.length > 3) return "lists of one length in each of at most 3 dimensions";
  const flat: unknown[] = shape.length > 1 ? value.flat(shape.length - 1) : value;
  const isRegular = flat.length === shape.reduce((product, n) => product * n, 1);
  if (!isRegular) return "lists of one length in each of at most 3 dimensions";
  const isNumber = (n: unknown): boolean => typeof n === "number" && Number.isFinite(Math.fround(n));
  return flat.every(isNumber)
    ? { shape, values: Float32Array.from(flat as number[]) }
    : "numbers that float32 holds";
}
