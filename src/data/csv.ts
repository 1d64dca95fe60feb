import type { Dataset } from "../model/dataset.ts";
import { ConfigError, type ConfigProblem } from "../model/error.ts";
import { type Feature, readFeatures, widthOf, writeFeature } from "./features.ts";
import { inputsFor, problem } from "./files.ts";
import { groupsOf } from "./groups.ts";
import { type NamedClasses, namedClasses } from "./labels.ts";
import { spreadOf, standardise } from "./standardise.ts";
import { columnOf, readTable, type Table, type TableOptions, type TableRow } from "./table.ts";
import { fillRow, type TextTokens, words } from "./tokens.ts";

export interface CsvOptions extends TableOptions {
  /** The column that holds the class: whole numbers from 0, or names. */
  readonly label: string;
  readonly classes?: NamedClasses;
  /** `none` leaves the numbers as they are; the default brings each column to mean 0 and standard deviation 1. */
  readonly scale?: "standard" | "none";
  /** Columns that are no inputs, such as a row's number. */
  readonly ignore?: readonly string[];
  /** The column that says whom a row comes from; it is no input unless a schema has it. */
  readonly group?: string;
  /** A file that says which columns are inputs and how, so that all clients scale alike; `scale` is not used then. */
  readonly schema?: string;
  /** The one column of texts that is the input, as hashed words. */
  readonly text?: TextTokens & { readonly column: string };
}

const MAX_PROBLEMS = 10;

/**
 * A table. Its inputs are [numColumns] numbers in the file's order, standardised column by column over this file's rows
 * (a constant column becomes 0); or what a schema makes of the columns; or [steps] tokens of one column's text. Throws
 * ConfigError naming file, line and column.
 */
export function readCsv(path: string, options: CsvOptions): Dataset {
  const table = readTable(path, options);
  const labelColumn = columnOf(table, options.label);
  const groupColumn = options.group === undefined ? null : columnOf(table, options.group);
  const labels = table.column(labelColumn);
  return {
    ...(options.text ? textInputs(table, options.text) : numberInputs(table, options)),
    ...namedClasses(labels, options.classes, (row) => `${table.row(row).place}: column ${options.label}`),
    ...(groupColumn !== null && {
      groups: groupsOf(table.column(groupColumn).map((text) => text.trim())),
    }),
  };
}

type Inputs = Pick<Dataset, "inputShape" | "inputs">;

function textInputs(
  table: Table,
  { column: name, steps, vocabulary }: NonNullable<CsvOptions["text"]>,
): Inputs {
  const column = columnOf(table, name);
  const inputs = inputsFor(table.place, table.numRows, steps);
  for (let row = 0; row < table.numRows; row++)
    fillRow(
      inputs.subarray(row * steps, (row + 1) * steps),
      words(table.row(row).cells[column]!, vocabulary),
    );
  return { inputShape: [steps], inputs };
}

function numberInputs(table: Table, options: CsvOptions): Inputs {
  const features =
    options.schema === undefined ? plainFeatures(table, options) : readFeatures(options.schema);
  const columns = features.map(({ column }) => columnOf(table, column));
  const width = features.reduce((sum, feature) => sum + widthOf(feature), 0);
  if (width === 0) throw problem(table.place, table.columns, "a column of numbers");
  const inputs = inputsFor(table.place, table.numRows, width);
  const row = new Float64Array(width); // before it is rounded
  const read = (i: number) => writeRow(table.row(i), features, columns, row.fill(0));
  const spread = spreadOf(width);
  const problems: ConfigProblem[] = [];
  for (let i = 0; i < table.numRows && problems.length < MAX_PROBLEMS; i++) {
    problems.push(...read(i));
    inputs.set(row, i * width);
    spread.add(row);
  }
  if (problems.length > 0) throw new ConfigError(problems.slice(0, MAX_PROBLEMS));
  if (options.schema === undefined && options.scale !== "none")
    standardise(inputs, spread.columns(), (i) => {
      read(i);
      return row;
    });
  return { inputShape: [width], inputs };
}

function plainFeatures({ columns }: Table, { label, group, ignore }: CsvOptions): readonly Feature[] {
  const unknown = (ignore ?? []).find((name) => !columns.includes(name));
  if (unknown !== undefined) throw problem("ignore", unknown, `one of the columns ${columns.join(", ")}`);
  return columns
    .filter((name) => name !== label && name !== group && !ignore?.includes(name))
    .map((column) => ({ column, mean: 0, deviation: 1 }));
}

function writeRow(
  { cells, place }: TableRow,
  features: readonly Feature[],
  columns: readonly number[],
  output: Float64Array,
): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  let at = 0;
  features.forEach((feature, i) => {
    const cell = cells[columns[i]!]!;
    const width = widthOf(feature);
    const expected = writeFeature(feature, cell.trim(), output.subarray(at, at + width));
    if (expected !== null)
      problems.push({ path: `${place}: column ${feature.column}`, value: cell, expected });
    at += width;
  });
  return problems;
}
