import type { NamedClasses } from "./labels.ts";
import { numberKey, type Problems, type Reference } from "./reference.ts";

/** Reads a reference's keys one by one, gathers what is wrong with them, and knows which were asked for. */
export interface Keys {
  word(key: string): string | undefined;
  /** A key that must be there; an empty word after the problem is noted. */
  needed(key: string, expected: string): string;
  oneOf<T extends string>(key: string, words: readonly T[]): T | undefined;
  /** A whole number in a range, both ends included. */
  count(key: string, least: number, most: number): number | undefined;
  /** A number of classes, or their names with commas. */
  classes(key: string): NamedClasses | undefined;
  number(key: string, fits: (value: number) => boolean, expected: string): number | undefined;
  /** Notes every key that nobody asked for. */
  finish(): void;
}

export function keysOf(reference: Reference, problems: Problems): Keys {
  const asked = new Set<string>();
  const word = (key: string): string | undefined => {
    asked.add(key);
    return reference.keys.get(key);
  };
  const number: Keys["number"] = (key, fits, expected) => {
    asked.add(key);
    return numberKey(reference, key, problems, fits, expected);
  };
  const count: Keys["count"] = (key, least, most) =>
    number(key, (n) => Number.isInteger(n) && n >= least && n <= most, `a whole number, ${least} to ${most}`);
  return {
    word,
    needed: (key, expected) => {
      const value = word(key);
      if (value === undefined) problems.add(key, undefined, expected);
      return value ?? "";
    },
    oneOf: (key, words) => {
      const value = word(key);
      const found = words.find((one) => one === value);
      if (value !== undefined && found === undefined) problems.add(key, value, words.join(" or "));
      return found;
    },
    count,
    classes: (key) => {
      const value = word(key);
      return value?.includes(",") ? value.split(",") : count(key, 2, 65_536);
    },
    number,
    finish: () => {
      for (const [key, value] of reference.keys)
        if (!asked.has(key)) problems.add(key, value, `one of ${[...asked].join(", ") || "no keys"}`);
    },
  };
}
