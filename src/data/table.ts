import { ConfigError } from "../model/error.ts";
import { problem, readText } from "./files.ts";

export interface TableOptions {
  /** Between fields; the default is a comma. Fields divided by tabs have no quotes. */
  readonly separator?: "comma" | "tab" | "semicolon";
  /** Without a header line columns are called 1, 2, 3, ... */
  readonly header?: "none";
}

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
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
  const lines = readText(path, "a table in text")
    .split(/\r?\n/)
    .map((text, i) => ({ text, place: `${path}:${i + 1}` }))
    .filter(({ text }) => text.trim() !== "");
  const all = lines.map(({ text, place }) => ({ cells: fields(text, separators[separator], place), place }));
  const first = all[0];
  if (first === undefined) throw problem(path, "no lines", "a table");
  const columns = header === "none" ? first.cells.map((_, i) => String(i + 1)) : first.cells;
  const rows = header === "none" ? all : all.slice(1);
  const ragged = rows.filter(({ cells }) => cells.length !== columns.length);
  if (ragged.length > 0)
    throw new ConfigError(
      ragged.slice(0, MAX_PROBLEMS).map(({ place, cells }) => ({
        path: place,
        value: cells.join(separators[separator]),
        expected: `${columns.length} fields, as in the ${header === "none" ? "first line" : "header"}`,
      })),
    );
  if (rows.length === 0) throw problem(path, lines.length, "a header and a row");
  return { columns, rows, place: header === "none" ? path : first.place };
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
