import { isAbsolute, join } from "node:path";
import { ConfigError, type ConfigProblem } from "../model/error.ts";

/** A data reference as written: `KIND[:LOCATION][?KEY=VALUE&...]`, such as `csv:wine.csv?label=kind`. */
export interface Reference {
  readonly kind: string;
  readonly location: string;
  /** What stands behind the last question mark, percent-decoded, and maybe nothing; every key was known and came once. */
  readonly keys: ReadonlyMap<string, string>;
}

/** Gathers every problem of one text; `finish` throws them together. */
export interface Problems {
  add(part: string, value: unknown, expected: string): void;
  finish(): void;
}

export function problemsAt(path: string): Problems {
  const problems: ConfigProblem[] = [];
  return {
    add: (part, value, expected) => {
      problems.push({ path: part === "" ? path : `${path}: ${part}`, value, expected });
    },
    finish: () => {
      if (problems.length > 0) throw new ConfigError(problems);
    },
  };
}

export function parseReference(text: string, problems: Problems): Reference {
  const mark = text.lastIndexOf("?");
  const body = mark === -1 ? text : text.slice(0, mark);
  const colon = body.indexOf(":");
  const kind = colon === -1 ? body : body.slice(0, colon);
  const keys = new Map<string, string>();
  for (const part of mark === -1 || mark === text.length - 1 ? [] : text.slice(mark + 1).split("&")) {
    const equals = part.indexOf("=");
    const key = part.slice(0, equals);
    const value = decode(part.slice(equals + 1));
    if (equals < 1 || value === null || value === "") problems.add(part, part, "KEY=VALUE");
    else if (keys.has(key)) problems.add(key, value, "a key once");
    else keys.set(key, value);
  }
  return { kind, location: colon === -1 ? "" : body.slice(colon + 1), keys };
}

/** The same reference with its file or folder, and a table's schema, taken from `folder`, unless that is an absolute path. */
export function placedIn(text: string, folder: string): string {
  const { kind, location, keys } = parseReference(text, problemsAt("data"));
  if (location === "") return text;
  const place = (path: string): string => (isAbsolute(path) ? path : join(folder, path));
  const asked = text.slice(kind.length + 1 + location.length);
  const schema = keys.get("schema");
  const placed =
    schema === undefined || isAbsolute(schema)
      ? asked
      : asked.replace(/([?&]schema=)[^&]*/, (_, key: string) => key + encodeURIComponent(place(schema)));
  const whole = place(location);
  return `${kind}:${whole}${placed === "" && whole.includes("?") ? "?" : placed}`;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** A key's number; undefined when the key is not there, or is no such number, which is a problem then. */
export function numberKey(
  { keys }: Reference,
  key: string,
  problems: Problems,
  fits: (value: number) => boolean,
  expected: string,
): number | undefined {
  const text = keys.get(key);
  if (text === undefined) return undefined;
  const value = /^\d*\.?\d+(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (fits(value)) return value;
  problems.add(key, text, expected);
  return undefined;
}
