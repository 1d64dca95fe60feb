import type { Dataset } from "../model/dataset.ts";
import { ConfigError, type ConfigProblem } from "../model/error.ts";
import { groupsOf } from "./groups.ts";
import { columnOf, readTable, type TableOptions } from "./table.ts";

export interface RatingsOptions extends TableOptions {
  /** Columns of the user's number, the item's number and the rating. */
  readonly user: string;
  readonly item: string;
  readonly rating: string;
  /** The number of the first user and of the first item. */
  readonly first: 0 | 1;
  /** How many there are, or the largest number if they count from 1: the same for all clients, whoever they know of. */
  readonly users: number;
  readonly items: number;
  /** From this rating on a user likes an item. */
  readonly like: number;
}

const MAX_PROBLEMS = 10;

/**
 * Who likes what: tokens [user, item] of one vocabulary, users first and items after them, and whether the rating is at
 * least `like`. Each user is a group. Throws ConfigError naming line and column.
 */
export function readRatings(path: string, options: RatingsOptions): Dataset {
  const { users, items, like, first } = options;
  const table = readTable(path, options);
  const [user, item, rating] = [options.user, options.item, options.rating].map((name) =>
    columnOf(table, name),
  ) as [number, number, number];
  const { numRows } = table;
  const problems: ConfigProblem[] = [];
  const inputs = new Float32Array(new SharedArrayBuffer(8 * numRows));
  const labels = new Int32Array(new SharedArrayBuffer(4 * numRows));
  for (let row = 0; row < numRows && problems.length < MAX_PROBLEMS; row++) {
    const { cells, place } = table.row(row);
    const expectIn = (column: number, index: number, count: number): void => {
      if (!(Number.isInteger(index) && index >= 0 && index < count))
        problems.push({
          path: `${place}: column ${table.columns[column]}`,
          value: cells[column],
          expected: `a whole number, ${first} to ${first + count - 1}`,
        });
    };
    const [u, i, rated] = [
      numberOf(cells[user]!) - first,
      numberOf(cells[item]!) - first,
      numberOf(cells[rating]!),
    ];
    expectIn(user, u, users);
    expectIn(item, i, items);
    if (!Number.isFinite(rated))
      problems.push({
        path: `${place}: column ${options.rating}`,
        value: cells[rating],
        expected: "a number",
      });
    inputs.set([u, users + i], 2 * row);
    labels[row] = rated >= like ? 1 : 0;
  }
  if (problems.length > 0) throw new ConfigError(problems.slice(0, MAX_PROBLEMS));
  return {
    inputShape: [2],
    numClasses: 2,
    inputs,
    labels,
    groups: groupsOf(table.column(user).map((text) => String(numberOf(text)))),
  };
}

const numberOf = (text: string): number => (text.trim() === "" ? Number.NaN : Number(text));
