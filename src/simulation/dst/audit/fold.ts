import type { Decoded } from "./decoded.ts";
import type { RecordHead } from "./journal.ts";

/** A round's reports to one delta, computed again offline: in integers of any size where it is a mean, else in float64. */

export interface Counted {
  readonly clientId: string;
  readonly update: Decoded;
  readonly weight: RecordHead["weight"];
}

/** What a fold depends on. */
export interface FoldRules {
  readonly strategy: string;
  readonly attackers: number;
  /** Of every coordinate the exponent of its tensor. */
  readonly exponentOf: (at: number) => number;
  readonly weightBudget: number;
  /** Local steps as FedNova counts them, in units of 1/256. */
  readonly stepsOf: (update: Decoded) => number;
}

export function foldAgain(reports: readonly Counted[], rules: FoldRules, length: number): Float64Array {
  const sorted = [...reports].sort((a, b) => (a.clientId < b.clientId ? -1 : 1));
  switch (rules.strategy) {
    case "median":
    case "trimmed-mean":
      return coordinatewise(sorted, rules, length);
    case "krum":
    case "multi-krum":
      return nearest(sorted, rules, length);
    default:
      return mean(reports, rules, length);
  }
}

/** Sums of products rounded once to the grid, over the weights of those who own the coordinate. */
function mean(reports: readonly Counted[], rules: FoldRules, length: number): Float64Array {
  const total = reports.reduce((sum, { weight }) => sum + weight.weight, 0);
  const budget = Math.ceil(Math.log2(rules.weightBudget) - 1e-12);
  const delta = new Float64Array(length);
  for (let at = 0; at < length; at++) {
    const quantum = 2 ** (rules.exponentOf(at) + Math.max(31 - 51, budget - 62));
    let sum = 0n;
    let owners = 0;
    for (const { update, weight } of reports) {
      if (update.owned[at] === 0) continue;
      sum += BigInt(toEven(weight.gain * (update.values[at]! / quantum)));
      owners += weight.weight;
    }
    delta[at] = owners === 0 ? 0 : Math.fround((Number(sum) * quantum) / owners);
  }
  if (rules.strategy !== "fednova" && rules.strategy !== "scaffold") return delta;
  let steps = 0n;
  for (const { update, weight } of reports) steps += BigInt(weight.weight) * BigInt(rules.stepsOf(update));
  return delta.map((v) => Math.fround((Number(steps) / total / 256) * v));
}

function toEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1;
  return down % 2 === 0 ? down : down + 1;
}

/** The median, or the mean without the largest and smallest, of those who sent a coordinate. */
function coordinatewise(
  reports: readonly Counted[],
  { strategy, attackers }: FoldRules,
  length: number,
): Float64Array {
  return new Float64Array(length).map((_, at) => {
    const values = reports
      .filter(({ update }) => update.sent[at] === 1)
      .map(({ update }) => update.values[at]!);
    if (values.length < 2 * attackers + 1) return 0;
    values.sort((a, b) => a - b);
    const cut = strategy === "median" ? (values.length - 1) >> 1 : attackers;
    const kept = values.slice(cut, values.length - cut);
    return ((kept.reduce((a, b) => a + b, 0) / kept.length) * values.length) / reports.length;
  });
}

/** The mean of those that lie nearest to their neighbours; how many depends on the rule. */
function nearest(
  reports: readonly Counted[],
  { strategy, attackers }: FoldRules,
  length: number,
): Float64Array {
  const n = reports.length;
  const apart = (a: Decoded, b: Decoded): number =>
    a.values.reduce((sum, v, i) => sum + (v - b.values[i]!) ** 2, 0);
  const scores = reports.map((one, i) => {
    const others = reports.filter((_, j) => j !== i).map((other) => apart(one.update, other.update));
    return others
      .sort((a, b) => a - b)
      .slice(0, Math.max(1, n - attackers - 2))
      .reduce((a, b) => a + b, 0);
  });
  const order = [...reports.keys()].sort((a, b) => scores[a]! - scores[b]! || a - b);
  const kept = order.slice(0, strategy === "krum" ? 1 : n - attackers - 2);
  return new Float64Array(length).map(
    (_, at) => kept.reduce((sum, i) => sum + reports[i]!.update.values[at]!, 0) / kept.length,
  );
}
