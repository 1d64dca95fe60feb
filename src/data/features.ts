import { parse } from "yaml";
import { z } from "zod";
import { ConfigError } from "../model/error.ts";
import { problem, readText } from "./files.ts";

/** What one column of a table gives to an example: one number, scaled, or one for each of its categories. */
export type Feature =
  | { readonly column: string; readonly mean: number; readonly deviation: number }
  | { readonly column: string; readonly categories: readonly string[] };

const number = z.number();
const feature = z.union([
  z.strictObject({ mean: number.default(0), deviation: number.positive().default(1) }),
  z.strictObject({
    categories: z
      .array(z.union([z.string(), z.number().transform(String)]))
      .min(2)
      .max(4096),
  }),
]);
const schema = z.strictObject({ columns: z.record(z.string(), feature.nullable()) });

/**
 * A file, YAML or JSON, such as `columns: { age: { mean: 40, deviation: 12 }, sex: { categories: [f, m] }, income: }`: the
 * inputs in its order. A number becomes (value - mean) / deviation, a category 1 in its own place and 0 in the others'; an
 * unknown category is an error. Throws ConfigError.
 */
export function readFeatures(path: string): readonly Feature[] {
  let document: unknown;
  try {
    document = parse(readText(path, "a schema of columns"));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw problem(path, (error as Error).message, "YAML or JSON");
  }
  const result = schema.safeParse(document, { reportInput: true });
  if (!result.success)
    throw new ConfigError(
      result.error.issues.map((issue) => ({
        path: [path, issue.path.join(".")].filter((part) => part !== "").join(": "),
        value: issue.input,
        expected: "columns: { NAME: { mean, deviation } or { categories: [...] } }",
      })),
    );
  return Object.entries(result.data.columns).map(([column, given]) => ({
    column,
    ...(given ?? { mean: 0, deviation: 1 }),
  }));
}

export const widthOf = (of: Feature): number => ("categories" in of ? of.categories.length : 1);

/** Writes a cell's values; null when it fits, else what was expected. */
export function writeFeature(of: Feature, cell: string, output: Float64Array): string | null {
  if ("categories" in of) {
    const place = of.categories.indexOf(cell);
    if (place === -1) return `one of ${of.categories.join(", ")}`;
    output[place] = 1;
    return null;
  }
  const value = cell === "" ? Number.NaN : (Number(cell) - of.mean) / of.deviation;
  if (!Number.isFinite(Math.fround(value))) return "a number";
  output[0] = value;
  return null;
}
