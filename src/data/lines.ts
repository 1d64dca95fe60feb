import { endOfLine, NEWLINE, readUtf8 } from "./files.ts";

/** The lines of a file that are not blank, read from its bytes whenever they are asked for: 8 bytes are kept of each. */
export interface Lines {
  readonly count: number;
  /** Without the line break. */
  text(index: number): string;
  /** `FILE:LINE`. */
  place(index: number): string;
}

/** A byte order mark is no part of the first line. Throws ConfigError naming the file. */
export function readLines(path: string, what: string): Lines {
  const bytes = readUtf8(path, what);
  const hasMark = bytes.length >= 3 && bytes.readUIntBE(0, 3) === 0xefbbbf;
  let most = 1;
  for (const byte of bytes) if (byte === NEWLINE) most++;
  const [starts, numbers] = [new Uint32Array(most), new Uint32Array(most)];
  let count = 0;
  let start = hasMark ? 3 : 0;
  for (let number = 1; start < bytes.length; number++) {
    const end = endOfLine(bytes, start);
    let at = start;
    while (at < end && bytes[at]! <= 0x20) at++;
    if (at < end) {
      starts[count] = start;
      numbers[count++] = number;
    }
    start = end + 1;
  }
  return {
    count,
    text: (i) => bytes.toString("utf8", starts[i]!, endOfLine(bytes, starts[i]!)),
    place: (i) => `${path}:${numbers[i]!}`,
  };
}

/** Texts that are looked for among those before. */
const MAX_KNOWN = 65_536;

/** For the texts of a column: those that occur often become one string. */
export function known(): (text: string) => string {
  const texts = new Map<string, string>();
  return (text) => {
    const same = texts.get(text);
    if (same !== undefined) return same;
    if (texts.size < MAX_KNOWN) texts.set(text, text);
    return text;
  };
}
