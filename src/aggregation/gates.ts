import type { ClientId } from "../model/message.ts";
import { median } from "./robust/median.ts";

/**
 * What turns a poisoned update away before it is folded, besides what every decoder checks (shape, finite values, the
 * round's bound, the cap on examples): a norm far above what is usual. It takes no part in the fold: what was let in is
 * in the journal, and a replay asks nobody.
 */
export interface GateSettings {
  /** An update may be so many times longer than the usual one; null: however long it is. */
  readonly normFactor: number | null;
}

/** What has been usual: a fold over the closed rounds, so that a replay comes to the same. */
export interface Norms {
  /**
   * Of the updates of the newest committed rounds, as many as WINDOW takes and at least one round's; of every client its
   * newest, so that one that is fast, where rounds close with few reports, does not rule alone.
   */
  readonly recent: readonly (readonly ClientNorm[])[];
  /** Rounds abandoned since the last that was not. */
  readonly abandonedInRow: number;
}

export interface ClientNorm {
  readonly clientId: ClientId;
  readonly norm: number;
}

export const noNorms: Norms = { recent: [], abandonedInRow: 0 };

/** As many as are remembered: few enough to follow a training that settles, enough that a few hostile ones do not rule. */
const WINDOW = 128;
/** Clients, as few as tell what is usual: one of them may be hostile. */
const FEWEST = 3;
/**
 * Before that: no update is so many times longer than the model itself, or else, for a model that began at zero, than the
 * least of those few by the usual factor. A first round at a high learning rate, five epochs at 0.1 with momentum 0.9,
 * was seen to make updates up to 2.5 times as long as the model.
 */
const FIRST_FACTOR = 5;

/**
 * `ofRound` are the norms of its updates. They count once the round is committed, all of them or none: who comes first in
 * a round, or last, must not decide for the others, or a few clients with tiny updates could shut everybody else out.
 */
export function afterRound(
  { recent, abandonedInRow }: Norms,
  outcome: "commit" | "abandon",
  ofRound: readonly ClientNorm[],
): Norms {
  if (outcome === "abandon") return { recent, abandonedInRow: abandonedInRow + 1 };
  const again = new Set(ofRound.map(({ clientId }) => clientId));
  const others = recent.map((norms) => norms.filter(({ clientId }) => !again.has(clientId)));
  const rounds = [...others.filter((norms) => norms.length > 0), ofRound];
  let total = rounds.reduce((sum, norms) => sum + norms.length, 0);
  let from = 0;
  while (from < rounds.length - 1 && total > WINDOW) total -= rounds[from++]!.length;
  return { recent: rounds.slice(from), abandonedInRow: 0 };
}

/**
 * The longest that an update may be; Infinity for any. With every abandoned round in a row it doubles, so that a fleet
 * whose updates all grew is not shut out for good.
 */
export function longest(
  { normFactor }: GateSettings,
  { recent, abandonedInRow }: Norms,
  modelNorm: number,
): number {
  if (normFactor === null) return Infinity;
  const norms = recent.flat().map(({ norm }) => norm);
  const usual =
    norms.length >= FEWEST
      ? normFactor * median(norms)
      : Math.max(FIRST_FACTOR * modelNorm, norms.length > 0 ? normFactor * Math.min(...norms) : 0);
  return usual === 0 ? Infinity : usual * 2 ** abandonedInRow;
}

/** Why an update of this norm is turned away; null when it is not. */
export const gateProblem = (norm: number, most: number): string | null =>
  norm <= most
    ? null
    : `the update's norm is ${norm.toPrecision(3)}, at most ${most.toPrecision(3)} is let in`;
