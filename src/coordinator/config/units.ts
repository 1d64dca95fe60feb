/** Sizes and durations as people write them: `64MiB`, `60s`; plain numbers are bytes and milliseconds. */

const SIZE_UNITS = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, KB: 1e3, MB: 1e6, GB: 1e9 };
const DURATION_UNITS = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000 };

export const parseSize = (text: string | number): number | null => parse(text, SIZE_UNITS);

export const parseDuration = (text: string | number): number | null => parse(text, DURATION_UNITS);

function parse(text: string | number, units: Readonly<Record<string, number>>): number | null {
  if (typeof text === "number") return Number.isFinite(text) && text >= 0 ? Math.round(text) : null;
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim());
  const unit = match ? units[match[2]!] : undefined;
  return match && unit !== undefined ? Math.round(Number(match[1]) * unit) : null;
}
