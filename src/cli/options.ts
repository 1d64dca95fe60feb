import { InvalidArgumentError, Option } from "commander";
import { parseDuration, parseSize } from "../coordinator/config/units.ts";
import { engineChoices } from "../trainer/choice.ts";

/** Gathers a repeatable option. */
export const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function integer(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff)
    throw new InvalidArgumentError("expected an integer of 0 to 4294967295");
  return value;
}

export function positive(text: string): number {
  const value = integer(text);
  if (value === 0) throw new InvalidArgumentError("expected 1 or more");
  return value;
}

export const engineOption = (): Option =>
  new Option("--engine <name>", "what trains: see `fedpress doctor`").choices(engineChoices).default("auto");

export function size(text: string): number {
  const bytes = parseSize(/^\d+$/.test(text) ? Number(text) : text);
  if (bytes === null || bytes < 1024)
    throw new InvalidArgumentError("expected a size such as 64MiB, at least 1KiB");
  return bytes;
}

/** Milliseconds. */
export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms > 2 ** 31 - 1) throw new InvalidArgumentError("expected a duration such as 10s");
  return ms;
}

/** A name for a run that sorts by time and does not collide. */
export function newRunId(name: string): string {
  const stamp = new Date().toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  const tail = Math.floor(Math.random() * 0x10000)
    .toString(16)
    .padStart(4, "0");
  return `${name}-${stamp}-${tail}`;
}
