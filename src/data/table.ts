import { ConfigError, type ConfigProblem } from "../model/error.ts";
import { problem } from "./files.ts";
import { known, readLines } from "./lines.ts";

export interface TableOptions {
  /** Between fields; the default is a comma. Fields divided by tabs have no quotes. */
  readonly separator?: "comma" | "tab" | "semicolon";
  /** Without a header line columns are called 1, 2, 3, ... */
  readonly header?: "none";
}

/** Rows are read from the file's bytes whenever they are asked for: what is kept of each is 8 bytes. */
export interface Table {
  readonly columns: readonly string[];
  readonly numRows: number;
  row(index: number): TableRow;
  /** Of every row the text in one column; texts that occur often are one string. */
  column(index: number): readonly string[];
  /** `FILE:1`, or `FILE` where there is no header. */
  readonly place: string;
}

export interface TableRow {
  readonly cells: readonly string[];
  /** `FILE:LINE`. */
  readonly place: string;
}

const MAX_PROBLEMS = 10;
const separators = { comma: ",", tab: "\t", semicolon: ";" } as const;

/** Lines of fields; blank lines are skipped. Throws ConfigError naming file and line. */
export function readTable(path: string, { separator = "comma", header }: TableOptions): Table {
  const lines = readLines(path, "a table in text");
  const lineAt = (i: number): TableRow => {
    const place = lines.place(i);
    return { cells: fields(lines.text(i).replace(/\r$/, ""), separators[separator], place), place };
  };
  if (lines.count === 0) throw problem(path, "no lines", "a table");
  const first = lineAt(0);
  const skipped = header === "none" ? 0 : 1;
  const columns = header === "none" ? first.cells.map((_, i) => String(i + 1)) : first.cells;
  const twice = repeated(columns);
  if (twice !== undefined) throw problem(first.place, twice, "a name for each column, no two alike");
  const numRows = lines.count - skipped;
  const row = (index: number): TableRow => lineAt(index + skipped);
  const ragged: ConfigProblem[] = [];
  for (let i = 0; i < numRows && ragged.length < MAX_PROBLEMS; i++) {
    const { place, cells } = row(i);
    if (cells.length !== columns.length)
      ragged.push({
        path: place,
        value: cells.join(separators[separator]),
        expected: `${columns.length} fields, as in the ${header === "none" ? "first line" : "header"}`,
      });
  }
  if (ragged.length > 0) throw new ConfigError(ragged);
  if (numRows === 0) throw problem(path, lines.count, "a header and a row");
  const column = (index: number): readonly string[] => {
    const same = known();
    return Array.from({ length: numRows }, (_, i) => same(row(i).cells[index]!));
  };
  return { columns, numRows, row, column, place: header === "none" ? path : first.place };
}

function repeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

export function columnOf({ columns, place }: Table, name: string): number {
  const column = columns.indexOf(name);
  if (column === -1) throw problem(place, columns, `a column named ${name}`);
  return column;
}

/** The fields of one line; a quoted one may hold separators, and `""` for a quote, but no line break. */
function fields(text: string, separator: string, place: string): readonly string[] {
  if (separator === "\t" || !text.includes('"')) return text.split(separator);
  const cells: string[] = [];
  for (let at = 0; ; ) {
    const start = afterSpaces(text, at);
    const { cell, end } =
      text[start] === '"' ? quotedCell(text, start + 1) : plainCell(text, start, separator);
    if (cell === null || (end < text.length && text[end] !== separator))
      throw problem(place, text, "quotes that close");
    cells.push(cell);
    if (end === text.length) return cells;
    at = end + 1;
  }
}

/** What it holds, null where a quote is out of place, and where its separator should be, or the line's end. */
interface Cell {
  readonly cell: string | null;
  readonly end: number;
}

function plainCell(text: string, start: number, separator: string): Cell {
  const next = text.indexOf(separator, start);
  const end = next < 0 ? text.length : next;
  const cell = text.slice(start, end);
  return { cell: cell.includes('"') ? null : cell, end };
}

/** From behind its first quote; the next that is not doubled closes it. */
function quotedCell(text: string, start: number): Cell {
  let close = text.indexOf('"', start);
  while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
  if (close < 0) return { cell: null, end: text.length };
  return { cell: text.slice(start, close).replaceAll('""', '"'), end: afterSpaces(text, close + 1) };
}

function afterSpaces(text: string, start: number): number {
  let at = start;
  while (/\s/.test(text.charAt(at))) at++;
  return at;
}
