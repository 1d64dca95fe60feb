import type { Denominator } from "../../../aggregation/mean.ts";
import type { Manifest } from "../../../model/manifest.ts";
import { maskOf } from "../../../model/masks.ts";
import { derive, permutation } from "../../../model/rng.ts";
import { type Masks, type Positions, sizeOf } from "../../../model/tensor.ts";

/** The rules that are compared, and what each divides by. */
export const RULES = {
  "zero-fill": "everybody",
  overlap: "senders",
  "senders-over-owners": "owners",
} as const satisfies Readonly<Record<string, Denominator>>;

export type Rule = keyof typeof RULES;

export const ruleNames = Object.keys(RULES) as readonly Rule[];

/** What clients own of the model, and what they send of that. */
export interface Regime {
  /** Share of what a client owns that it sends, top-k and ternary with error feedback; null: all of it, as float32. */
  readonly density: number | null;
  /** By client, the share of every kernel that is theirs. */
  readonly owned: readonly number[];
  /** Points that ours may be below the better of the others. */
  readonly allowance: number;
}

const everything: readonly number[] = Array(10).fill(1);
const fleet = [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.2, 0.2, 0.2];
const fifths: readonly number[] = Array(10).fill(0.2);

export const REGIMES = {
  "top-k 3 %": { density: 0.03, owned: everything, allowance: 0.5 },
  "top-k 0.3 %": { density: 0.003, owned: everything, allowance: 0.5 },
  "masks 100/50/20 %": { density: null, owned: fleet, allowance: 0.5 },
  "masks 20 %": { density: null, owned: fifths, allowance: 0.5 },
  "both, top-k 3 %": { density: 0.03, owned: fleet, allowance: 1.5 },
  "both, top-k 0.3 %": { density: 0.003, owned: fleet, allowance: 1.5 },
  /** Here all rules are one: what the others are measured against, and what a server rate does by itself. */
  dense: { density: null, owned: everything, allowance: 0.5 },
} as const satisfies Readonly<Record<string, Regime>>;

export type RegimeName = keyof typeof REGIMES;

export const regimeNames = Object.keys(REGIMES) as readonly RegimeName[];

/**
 * The rule to run in the place of another that is the same fold, to the bit: where everybody owns everything the owners
 * are everybody, and where all is sent that is owned they are the senders.
 */
export function runAs(regime: RegimeName, rule: Rule): Rule {
  const { density, owned }: Regime = REGIMES[regime];
  if (rule === "zero-fill" && owned.every((share) => share === 1)) return "senders-over-owners";
  if (rule === "overlap" && density === null) return "senders-over-owners";
  return rule;
}

/** One training run. */
export interface Cell {
  readonly regime: RegimeName;
  readonly rule: Rule;
  readonly serverRate: number;
  /** Of data shares, masks, first model and training: the same for all rules, so that they are compared in pairs. */
  readonly seed: number;
  /** What it is measured on. */
  readonly split: "validation" | "test";
  readonly model: string;
  readonly rounds: number;
}

/** The same for equal cells. */
export const keyOf = ({ regime, rule, serverRate, seed, split, model, rounds }: Cell): string =>
  JSON.stringify([regime, rule, serverRate, seed, split, model, rounds]);

/** Random coordinates of every kernel, as a pruning without a structure leaves them; biases stay whole. */
export function randomMasks(manifest: Manifest, share: number, seed: number, client: number): Masks | null {
  if (share === 1) return null;
  return new Map(
    manifest.tensors.map(({ name, shape }): [string, Positions | null] => {
      if (shape.length < 2) return [name, null];
      const length = sizeOf(shape);
      const order = permutation(length, derive(seed, "study-masks", client, name));
      return [name, maskOf(order.slice(0, Math.ceil(share * length)).sort(), length)];
    }),
  );
}
