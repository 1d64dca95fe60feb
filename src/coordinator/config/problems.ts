import type { z } from "zod";
import type { ConfigProblem } from "../../model/error.ts";

/** What the schema found wrong, as problems: path, value as it stands in the document, what was expected. */
export function problemsOf(issue: z.core.$ZodIssue, document: unknown): ConfigProblem[] {
  const at = (path: readonly PropertyKey[]) => ({ path: pathText(path), value: lookUp(document, path) });
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      ...at([...issue.path, key]),
      expected: "no such key: look for a misspelling",
    }));
  return [{ ...at(issue.path), expected: expectation(issue) }];
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return article(issue.expected);
  if (issue.code === "invalid_value") return issue.values.map(String).join(" or ");
  if (issue.code === "too_small") return `${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
  if (issue.code === "too_big") return `${issue.inclusive ? "at most" : "less than"} ${issue.maximum}`;
  return issue.message;
}

const article = (noun: string): string => (/^[aeio]/.test(noun) ? `an ${noun}` : `a ${noun}`);

const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((key, i) => (typeof key === "number" ? `[${key}]` : i === 0 ? String(key) : `.${String(key)}`))
    .join("") || "the file";

function lookUp(document: unknown, path: readonly PropertyKey[]): unknown {
  let value: unknown = document;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined | null)?.[key];
  return value;
}
