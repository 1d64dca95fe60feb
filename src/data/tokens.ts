/**
 * Text as numbers without a vocabulary that clients would have to agree on: both tokenizers are functions of the text
 * alone. Token 0 is padding in both.
 */

export interface TextTokens {
  /** Tokens of one example: more are cut, fewer are followed by token 0. */
  readonly steps: number;
  /** Of hashed words. */
  readonly vocabulary: number;
}

/** Characters: 1 is anything unknown, 2 a line break, 3 to 97 are the printable ASCII characters from the space on. */
export const NUM_CHARACTERS = 98;

function characterOf(code: number): number {
  if (code === 10) return 2;
  return code >= 32 && code <= 126 ? code - 29 : 1;
}

/** Line ends are one character; a carriage return before it is none. */
export function characters(text: string): Uint8Array {
  const lines = text.replaceAll("\r\n", "\n");
  const tokens = new Uint8Array(lines.length);
  let count = 0;
  for (const char of lines) tokens[count++] = characterOf(char.codePointAt(0)!);
  return tokens.subarray(0, count);
}

/**
 * Words, hashed to 1 .. vocabulary-1 (Weinberger et al., 2009): letters and digits in a row, in lower case, and every
 * other character that is no space by itself. FNV-1a of the UTF-8 bytes.
 */
export function words(text: string, vocabulary: number): readonly number[] {
  const found = text.toLowerCase().match(/[\p{L}\p{N}]+|[^\p{L}\p{N}\s]/gu) ?? [];
  return found.map((word) => 1 + (fnv1a(word) % (vocabulary - 1)));
}

function fnv1a(word: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(word)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** The first `steps` tokens into a row of that length; what is missing is padding. */
export function fillRow(row: Float32Array, tokens: ArrayLike<number>): void {
  const n = Math.min(row.length, tokens.length);
  for (let i = 0; i < n; i++) row[i] = tokens[i]!;
}
