import { readFileSync, statSync } from "node:fs";
import type { Dataset } from "../model/dataset.ts";
import { ConfigError, type ConfigProblem } from "../model/error.ts";
import { type ClassLabels, classLabels, MAX_CLASSES } from "./labels.ts";

export interface CsvOptions {
  /** The column that holds the class: whole numbers from 0, or names. */
  readonly label: string;
  /** How many classes (numbers), or their names in order; left out: what the file holds, names sorted. */
  readonly classes?: number | readonly string[];
  /** `none` leaves the numbers as they are; the default brings each column to mean 0 and standard deviation 1. */
  readonly scale?: "standard" | "none";
}

const MAX_BYTES = 2 ** 28;
const MAX_PROBLEMS = 10;

/**
 * A table of numbers with a header line: comma separated, fields may be quoted. Inputs [numColumns - 1], in the
 * file's order, standardised column by column over this file's rows (a constant column becomes 0). Throws ConfigError
 * naming file, line and column.
 */
export function readCsv(path: string, options: CsvOptions): Dataset {
  const lines = readLines(path);
  const header = fields(lines[0]!.text, `${path}:1`);
  const labelColumn = header.indexOf(options.label);
  if (labelColumn === -1)
    throw new ConfigError([
      { path: `${path}:1`, value: header, expected: `a column named ${options.label}` },
    ]);
  const names = header.filter((_, column) => column !== labelColumn);
  const rows = lines.slice(1);
  if (names.length === 0 || rows.length === 0)
    throw new ConfigError([
      { path, value: lines.length, expected: "a header, a column of numbers and a row" },
    ]);

  const inputs = new Float32Array(new SharedArrayBuffer(4 * rows.length * names.length));
  const labelTexts: string[] = [];
  const problems: ConfigProblem[] = [];
  rows.forEach(({ text, line }, row) => {
    if (problems.length >= MAX_PROBLEMS) return;
    const cells = fields(text, `${path}:${line}`);
    if (cells.length !== header.length) {
      problems.push({
        path: `${path}:${line}`,
        value: text,
        expected: `${header.length} fields, as in the header`,
      });
      return;
    }
    labelTexts.push(...cells.splice(labelColumn, 1));
    cells.forEach((cell, column) => {
      const value = cell.trim() === "" ? Number.NaN : Number(cell);
      if (!Number.isFinite(Math.fround(value)))
        problems.push({
          path: `${path}:${line}: column ${names[column]}`,
          value: cell,
          expected: "a number",
        });
      inputs[row * names.length + column] = value;
    });
  });
  if (problems.length > 0) throw new ConfigError(problems.slice(0, MAX_PROBLEMS));
  if (options.scale !== "none") standardise(inputs, names.length);
  const place = (row: number): string => `${path}:${rows[row]!.line}: column ${options.label}`;
  return { inputShape: [names.length], inputs, ...classesOf(labelTexts, options.classes, place) };
}

interface Line {
  readonly text: string;
  /** Its number in the file, from 1. */
  readonly line: number;
}

function readLines(path: string): readonly Line[] {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) throw new Error(`${size} bytes, above ${MAX_BYTES}`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError([
      { path, value: (error as Error).message, expected: "a CSV file that can be read" },
    ]);
  }
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line, i) => ({ text: line, line: i + 1 }))
    .filter(({ text: line }, i) => i === 0 || line.trim() !== "");
  return lines;
}

/** The fields of one line; a quoted one may hold commas, and `""` for a quote, but no line break. */
function fields(text: string, place: string): string[] {
  if (!text.includes('"')) return text.split(",");
  const cells: string[] = [];
  const field = /\s*(?:"((?:[^"]|"")*)"\s*|([^",]*))(,|$)/y;
  for (;;) {
    const match = field.exec(text);
    if (match === null) throw new ConfigError([{ path: place, value: text, expected: "quotes that close" }]);
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === "") return cells;
  }
}

function classesOf(
  texts: readonly string[],
  classes: CsvOptions["classes"],
  place: (row: number) => string,
): ClassLabels {
  const cleaned = texts.map((text) => text.trim());
  const areNumbers = cleaned.every((text) => /^\d+(\.0*)?$/.test(text));
  if (typeof classes === "number" || (classes === undefined && areNumbers))
    return classLabels(cleaned.map(Number), typeof classes === "number" ? classes : undefined, place);
  const names = classes ?? [...new Set(cleaned)].sort();
  if (names.length > MAX_CLASSES)
    throw new ConfigError([
      { path: place(0), value: names.length, expected: `at most ${MAX_CLASSES} classes` },
    ]);
  const byName = new Map(names.map((name, i) => [name, i]));
  const numbers = cleaned.map((name, row) => {
    const label = byName.get(name);
    if (label === undefined)
      throw new ConfigError([{ path: place(row), value: name, expected: `one of ${names.join(", ")}` }]);
    return label;
  });
  return classLabels(numbers, names.length, place);
}

function standardise(inputs: Float32Array, numColumns: number): void {
  const numRows = inputs.length / numColumns;
  for (let column = 0; column < numColumns; column++) {
    let sum = 0;
    for (let i = column; i < inputs.length; i += numColumns) sum += inputs[i]!;
    const mean = sum / numRows;
    let squares = 0;
    for (let i = column; i < inputs.length; i += numColumns) squares += (inputs[i]! - mean) ** 2;
    const deviation = Math.sqrt(squares / numRows) || 1;
    for (let i = column; i < inputs.length; i += numColumns) inputs[i] = (inputs[i]! - mean) / deviation;
  }
}
