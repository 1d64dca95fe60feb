import { assert } from "../model/assert.ts";
import { intersectionOf, maskOf } from "../model/masks.ts";
import type { Masks, Positions } from "../model/tensor.ts";
import { type LayerBudget, layerCounts } from "./mask-budget.ts";
import { best } from "./ranking.ts";

/** What a round said about one tensor. */
export interface Ballot {
  readonly shape: readonly number[];
  /** Weight of the owners by coordinate; null when everybody who reported owns the whole tensor. */
  readonly votes: ArrayLike<number> | null;
  /** Weight of all who reported, above 0. */
  readonly total: number;
  /** The tensor of the model after the round's step. */
  readonly values: Float32Array;
  /** What the global model has owned so far. */
  readonly mask: Positions | null;
  /** Rounds since anybody who reported owned a coordinate, this one included; null when somebody did of all. */
  readonly age: Uint16Array | null;
}

/**
 * Which coordinates stay in the global model. union: those that anybody owns; intersection: those that all do, which
 * shrinks with every client that differs; majority: those whose owners have this share, above 0 to 1, of the weight;
 * budget: as many as it allows, by votes, by the magnitude of their values, or by the product (FedDST, Bibikar et al.,
 * 2022, votes; magnitude-weighted they are less easily swayed by who happened to report).
 */
export type MaskPolicy =
  | "union"
  | "intersection"
  | { readonly majority: number }
  | { readonly budget: LayerBudget & { readonly by: "votes" | "magnitude" | "votes-by-magnitude" } };

/** Coordinates that nobody owns wait with their value, or leave as zeros after so many rounds, 1 or more. */
export type Uncovered = "keep" | { readonly dropAfter: number };

/** The masks after a round; what the model does not own already stays out. */
export function nextMasks(
  policy: MaskPolicy,
  uncovered: Uncovered,
  ballots: ReadonlyMap<string, Ballot>,
): Masks {
  const counts =
    typeof policy === "object" && "budget" in policy ? layerCounts(policy.budget, ballots) : null;
  return new Map(
    [...ballots].map(([name, ballot]) => {
      const candidates = intersectionOf(ballot.mask, passing(ballot, thresholdOf(policy, ballot), uncovered));
      const count = counts?.get(name) ?? Infinity;
      if (typeof policy === "string" || "majority" in policy) return [name, candidates];
      return [name, within(count, candidates, scoreOf(policy.budget.by, ballot), ballot)];
    }),
  );
}

/** The least weight of owners that keeps a coordinate; above 0, as all weights are whole numbers. */
function thresholdOf(policy: MaskPolicy, { total }: Ballot): number {
  assert(total > 0, "a round that closes has weight");
  if (policy === "intersection") return total;
  return typeof policy === "object" && "majority" in policy ? Math.max(1, policy.majority * total) : 1;
}

/** Coordinates whose owners weigh enough, and those without owners that still may wait. */
function passing({ votes, values, age }: Ballot, threshold: number, uncovered: Uncovered): Positions | null {
  if (votes === null) return null;
  const patience = uncovered === "keep" ? Infinity : uncovered.dropAfter;
  const waits = (i: number): boolean => votes[i] === 0 && (age?.[i] ?? 0) < patience;
  const kept = new Uint32Array(values.length);
  let count = 0;
  for (let i = 0; i < kept.length; i++) if (votes[i]! >= threshold || waits(i)) kept[count++] = i;
  return maskOf(kept.slice(0, count), values.length);
}

function scoreOf(
  by: "votes" | "magnitude" | "votes-by-magnitude",
  { votes, total, values }: Ballot,
): (at: number) => number {
  const share = (at: number): number => (votes === null ? 1 : votes[at]! / total);
  if (by === "votes") return share;
  if (by === "magnitude") return (at) => Math.abs(values[at]!);
  return (at) => share(at) * Math.abs(values[at]!);
}

/** The best of the candidates: of equal scores the larger values, and then those that come first. */
function within(
  count: number,
  candidates: Positions | null,
  score: (at: number) => number,
  { values }: Ballot,
): Positions | null {
  const all = candidates ?? Uint32Array.from(values.keys());
  if (all.length <= count) return candidates;
  const scores = Float32Array.from(all, score);
  const magnitudes = Float32Array.from(all, (at) => Math.abs(values[at]!));
  return maskOf(
    best(scores, magnitudes, count).map((i) => all[i]!),
    values.length,
  );
}
