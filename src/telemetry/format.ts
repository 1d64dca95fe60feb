import { stripVTControlCharacters } from "node:util";

/** Numbers and strings as people read them: three figures, decimal units. */

/** 812 B, 12.3 kB, 4.56 MB. */
export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB", "PB"];
  let value = bytes / 1_000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${threeFigures(value)} ${units[unit]}`;
}

/** 128x, 12.3x, 1.23x: how many times less was sent. */
export const formatRatio = (ratio: number): string => `${threeFigures(ratio)}x`;

/** 0.9531 as 95.31 %. */
export const formatPercent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** 20490 as 20,490. */
export const formatCount = (count: number): string => String(count).replaceAll(/\B(?=(\d{3})+$)/g, ",");

/** 81_000 as 1 min 21 s. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 60) return `${threeFigures(seconds)} s`;
  const minutes = Math.round(seconds) / 60;
  if (minutes < 60) return `${Math.floor(minutes)} min ${Math.round(seconds) % 60} s`;
  return `${Math.floor(minutes / 60)} h ${Math.floor(minutes) % 60} min`;
}

function threeFigures(value: number): string {
  return value >= 99.95 ? formatCount(Math.round(value)) : value.toFixed(value >= 9.995 ? 1 : 2);
}

/** Control and format characters (cursor, colour, bidi overrides, zero width) and line separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A string from the network, fit for one line of a terminal: without escape sequences, of bounded length. */
export function printable(text: string, maxLength = 200): string {
  const plain = stripVTControlCharacters(text).replaceAll(UNPRINTABLE, "");
  return plain.length > maxLength ? `${plain.slice(0, maxLength - 1)}…` : plain;
}

/** JSON that is safe on a terminal and still the same value: what is unprintable in its strings stays escaped. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNPRINTABLE, (character) =>
    Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
      .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
