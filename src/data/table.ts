import { ConfigError, type ConfigProblem } from "../model/error.ts";
import { problem, readBytes } from "./files.ts";

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
  const bytes = readBytes(path, "a table in text");
  const lines = linesOf(bytes);
  const lineAt = (i: number): TableRow => {
    const place = `${path}:${lines.numbers[i]!}`;
    const text = bytes.toString("utf8", lines.starts[i]!, endOf(bytes, lines.starts[i]!)).replace(/\r$/, "");
    return { cells: fields(text, separators[separator], place), place };
  };
  if (lines.count === 0) throw problem(path, "no lines", "a table");
  const first = lineAt(0);
  const skipped = header === "none" ? 0 : 1;
  const columns = header === "none" ? first.cells.map((_, i) => String(i + 1)) : first.cells;
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
    const known = new Map<string, string>();
    return Array.from({ length: numRows }, (_, i) => {
      const cell = row(i).cells[index]!;
      const same = known.get(cell);
      if (same !== undefined) return same;
      if (known.size < MAX_KNOWN) known.set(cell, cell);
      return cell;
    });
  };
  return { columns, numRows, row, column, place: header === "none" ? path : first.place };
}

/** Texts of a column that are looked for among those before. */
const MAX_KNOWN = 65_536;

const NEWLINE = 10;

const endOf = (bytes: Buffer, start: number): number => {
  const end = bytes.indexOf(NEWLINE, start);
  return end < 0 ? bytes.length : end;
};

/** Where lines start that are not blank, and their numbers, from 1; a byte order mark is no part of the first. */
function linesOf(bytes: Buffer): {
  readonly starts: Uint32Array;
  readonly numbers: Uint32Array;
  readonly count: number;
} {
  const hasMark = bytes.length >= 3 && bytes.readUIntBE(0, 3) === 0xefbbbf;
  let most = 1;
  for (const byte of bytes) if (byte === NEWLINE) most++;
  const [starts, numbers] = [new Uint32Array(most), new Uint32Array(most)];
  let count = 0;
  let start = hasMark ? 3 : 0;
  for (let number = 1; start < bytes.length; number++) {
    const end = endOf(bytes, start);
    let at = start;
    while (at < end && bytes[at]! <= 0x20) at++;
    if (at < end) {
      starts[count] = start;
      numbers[count++] = number;
    }
    start = end + 1;
  }
  return { starts, numbers, count };
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
  const field = new RegExp(`\\s*(?:"((?:[^"]|"")*)"\\s*|([^"${separator}]*))(${separator}|$)`, "y");
  for (;;) {
    const match = field.exec(text);
    if (match === null) throw problem(place, text, "quotes that close");
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === "") return cells;
  }
}
