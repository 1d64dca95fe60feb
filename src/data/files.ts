import { readdirSync, readFileSync, statSync } from "node:fs";
import { ConfigError } from "../model/error.ts";

/** The largest file that a reader takes into memory, unless it says otherwise. */
const MAX_FILE_BYTES = 2 ** 28;

/** A whole file, no larger than `maxBytes`; throws ConfigError naming it. `what` is what was expected there. */
export function readBytes(path: string, what: string, maxBytes = MAX_FILE_BYTES): Buffer {
  let size: number;
  try {
    ({ size } = statSync(path));
    if (size <= maxBytes) return readFileSync(path);
  } catch (error) {
    throw problem(path, (error as Error).message, `${what} that can be read`);
  }
  throw problem(path, `${size} bytes`, `at most ${maxBytes} bytes`);
}

/** The same as UTF-8 text, without a byte order mark. */
export const readText = (path: string, what: string): string =>
  readBytes(path, what)
    .toString("utf8")
    .replace(/^\uFEFF/, "");

/** The names in a folder, sorted: files and folders alike. */
export function listNames(folder: string, what: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    throw problem(folder, (error as Error).message, what);
  }
}

export const problem = (path: string, value: unknown, expected: string): ConfigError =>
  new ConfigError([{ path, value, expected }]);
