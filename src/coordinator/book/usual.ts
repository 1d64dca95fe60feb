import { FIRST_EXPONENT, nextExponents } from "../../aggregation/exponents.ts";
import { afterRound, type ClientNorm, type Norms, noNorms } from "../../aggregation/gates.ts";
import { median } from "../../aggregation/robust/median.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { Exponents } from "../../model/protocol.ts";
import type { SubModel } from "../../model/submodel.ts";
import type { CheckedUpdate } from "../sessions/report-check.ts";

/** What rounds have been like, which the next one is measured against: a fold of the journal. */
export interface Usual {
  /** The bounds of the open round, or else of the next. */
  readonly exponents: Exponents;
  readonly norms: Norms;
  /** Medians of the last committed round; null before there was one. */
  readonly lastLoss: number | null;
  readonly usualNorm: number | null;
  /** In units of a tally. */
  readonly lastSteps: number | null;
  /** Likewise: bytes of a report for each coordinate that its client owns; those of float32 before there was one. */
  readonly bytesPerCoordinate: number;
  /** Of every width, narrowest first, the committed rounds in a row in which no report was of a part that wide. */
  readonly uncovered: readonly Uncovered[];
}

export interface Uncovered {
  readonly width: number;
  readonly rounds: number;
}

export const firstUsual = (
  { tensors }: Manifest,
  subModels: readonly Pick<SubModel, "width">[] = [],
): Usual => ({
  exponents: tensors.map(() => FIRST_EXPONENT),
  norms: noNorms,
  lastLoss: null,
  usualNorm: null,
  lastSteps: null,
  bytesPerCoordinate: 4,
  uncovered: subModels.map(({ width }) => ({ width, rounds: 0 })).sort((a, b) => a.width - b.width),
});

/** What the open round's updates were like so far, in the order in which they came; nothing made of it depends on that. */
export interface Seen {
  readonly norms: ClientNorm[];
  readonly losses: number[];
  readonly widths: number[];
  readonly steps: number[];
  readonly bytesPerCoordinate: number[];
  /** The largest |delta| of every tensor. */
  readonly largest: number[];
}

export const nothingSeen = ({ tensors }: Manifest): Seen => ({
  norms: [],
  losses: [],
  widths: [],
  steps: [],
  bytesPerCoordinate: [],
  largest: tensors.map(() => 0),
});

/** In place. */
export function see(
  seen: Seen,
  { update, width, largest, norm, bytesPerCoordinate }: CheckedUpdate,
  steps: number,
): void {
  seen.norms.push({ clientId: update.clientId, norm });
  seen.losses.push(update.trainLoss);
  seen.steps.push(steps);
  seen.widths.push(width);
  seen.bytesPerCoordinate.push(bytesPerCoordinate);
  for (const [i, value] of largest.entries()) seen.largest[i] = Math.max(seen.largest[i]!, value);
}

/**
 * After a round. `groups` are the places in the manifest of tensors that share a payload, and so a bound; with
 * `keepsBounds` these never shrink, because who trains for an earlier round keeps within its own.
 */
export function usualAfter(
  usual: Usual,
  seen: Seen,
  outcome: "commit" | "abandon",
  { groups, keepsBounds }: { readonly groups: readonly (readonly number[])[]; readonly keepsBounds: boolean },
): Usual {
  const norms = afterRound(usual.norms, outcome, seen.norms);
  if (outcome === "abandon") return { ...usual, norms };
  const next = nextExponents(usual.exponents, seen.largest, groups);
  return {
    exponents: keepsBounds ? next.map((one, i) => Math.max(one, usual.exponents[i]!)) : next,
    norms,
    lastLoss: median(seen.losses),
    usualNorm: median(seen.norms.map(({ norm }) => norm)),
    lastSteps: median(seen.steps),
    bytesPerCoordinate: median(seen.bytesPerCoordinate),
    uncovered: usual.uncovered.map(({ width, rounds }) => ({
      width,
      rounds: seen.widths.some((one) => one >= width) ? 0 : rounds + 1,
    })),
  };
}
