import { isUtf8 } from "node:buffer";
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

/** The same, of UTF-8: in another encoding different names may become one. Throws ConfigError naming file and line. */
export function readUtf8(path: string, what: string): Buffer {
  const bytes = readBytes(path, what);
  if (isUtf8(bytes)) return bytes;
  for (let start = 0, number = 1; ; number++) {
    const end = endOfLine(bytes, start);
    const line = bytes.subarray(start, end);
    if (!isUtf8(line)) throw problem(`${path}:${number}`, line.toString("utf8"), "UTF-8 text");
    start = end + 1;
  }
}

/** The same as text, without a byte order mark. */
export const readText = (path: string, what: string): string =>
  readUtf8(path, what)
    .toString("utf8")
    .replace(/^\uFEFF/, "");

export const NEWLINE = 10;

/** Where the line that starts there has its line break, or the bytes end. */
export function endOfLine(bytes: Buffer, start: number): number {
  const end = bytes.indexOf(NEWLINE, start);
  return end < 0 ? bytes.length : end;
}

/** The names in a folder, sorted: files and folders alike. */
export function listNames(folder: string, what: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    throw problem(folder, (error as Error).message, what);
  }
}

/** Bounds the memory of all examples together: as float32 a gigabyte. */
const MAX_VALUES = 2 ** 28;

/** Memory for so many examples of so many values; throws ConfigError for more than there may be. */
export function inputsFor(path: string, count: number, size: number): Float32Array<SharedArrayBuffer> {
  checkRoom(path, count, size);
  return new Float32Array(new SharedArrayBuffer(4 * count * size));
}

/** Before there is memory for any of them. */
function checkRoom(path: string, count: number, size: number): void {
  if (count * size > MAX_VALUES)
    throw problem(
      path,
      `${count} examples of ${size} values`,
      `at most ${Math.floor(MAX_VALUES / size)} examples of that size`,
    );
}

export const problem = (path: string, value: unknown, expected: string): ConfigError =>
  new ConfigError([{ path, value, expected }]);
