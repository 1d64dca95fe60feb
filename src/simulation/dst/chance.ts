import { derive } from "../../model/rng.ts";
import type { FaultKind } from "./faults.ts";

/**
 * Every decision of a simulation by the name of what is decided, not by its place in a stream of draws: so that leaving
 * one fault out changes no other, which is what shrinking lives on.
 */
export interface Chance {
  /** In [0, 1). */
  readonly uniform: (...name: readonly (string | number)[]) => number;
  readonly between: (low: number, high: number, ...name: readonly (string | number)[]) => number;
  /** An integer in [0, n). */
  readonly below: (n: number, ...name: readonly (string | number)[]) => number;
  /** Whether a fault of this kind happens to what is named; no more once the world is healed. */
  readonly fault: (kind: FaultKind, name: string) => boolean;
  /** Whether a fault that was planned is left in. */
  readonly isPlanned: (name: string) => boolean;
  /** The faults that happened, in order. */
  readonly happened: () => readonly string[];
  readonly heal: () => void;
}

/** `rates` are probabilities; `only` leaves out all faults but these. */
export function chance(
  seed: number,
  rates: Readonly<Record<FaultKind, number>>,
  only: ReadonlySet<string> | null,
): Chance {
  const happened: string[] = [];
  let healed = false;
  const uniform: Chance["uniform"] = (...name) => derive(seed, ...name).uniform();
  const admit = (name: string): boolean => {
    if (only !== null && !only.has(name)) return false;
    happened.push(name);
    return true;
  };
  return {
    uniform,
    between: (low, high, ...name) => low + (high - low) * uniform(...name),
    below: (n, ...name) => derive(seed, ...name).below(n),
    fault: (kind, name) =>
      !healed && rates[kind] > 0 && uniform(kind, name) < rates[kind] && admit(`${kind} ${name}`),
    isPlanned: admit,
    happened: () => happened,
    heal: () => {
      healed = true;
    },
  };
}
