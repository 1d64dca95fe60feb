import { emptyResidual, type Residual } from "../compress/error-feedback.ts";
import type { PlanGroup } from "../compress/plan.ts";
import { digestOf } from "../model/manifest.ts";
import type { ResidualDecay } from "../model/protocol.ts";
import type { ClientState, Pending } from "./state.ts";

/** The delta of that report is in the model, and the client's control variate follows. */
export const committed = (state: ClientState, { ownControl }: Pending): ClientState => ({
  ...state,
  controls: { ...state.controls, own: ownControl ?? state.controls.own },
  pending: null,
});

/** The delta of that report is gone for good, into the ledger; the residual is what it was before. */
export const rolledBack = (state: ClientState, { delta, residualBefore }: Pending): ClientState => ({
  ...state,
  residual: residualBefore,
  discarded: added(state.discarded, delta),
  pending: null,
});

/**
 * Our history is not the coordinator's. What the report says stays as it is, and so does all that hangs on it; only its
 * bytes are others.
 */
export const withoutHistory = (state: ClientState, pending: Pending, plain: Uint8Array): ClientState => ({
  ...state,
  held: { ...state.held, history: null },
  pending: {
    ...pending,
    report: { round: pending.report.round, digest: digestOf(plain) },
    frame: plain,
    plain: null,
  },
});

/** What a residual comes to after an absence, and what of it went into the ledger. */
export interface Faded {
  readonly residual: Residual;
  readonly discarded: ClientState["discarded"];
  /** The rounds since the last report, and the share of the residual that they leave: 1 when nothing faded. */
  readonly roundsMissed: number;
  readonly share: number;
}

/**
 * A residual from long ago says how a model should have moved that is no longer there: it fades for every round that
 * was missed beyond those that are allowed. It is not scaled in place but moved over, so that the ledger stays whole.
 */
export function faded(
  { residual, lastRound, discarded }: Pick<ClientState, "residual" | "lastRound" | "discarded">,
  round: number,
  groups: readonly PlanGroup[],
  decay: ResidualDecay | undefined,
): Faded {
  const owed = residual ?? emptyResidual(groups);
  const roundsMissed = lastRound === null ? 0 : Math.max(0, round - lastRound - 1);
  const beyond = decay === undefined ? 0 : Math.max(0, roundsMissed - decay.afterRounds);
  const share = beyond === 0 ? 1 : decay!.factor ** beyond;
  if (share === 1) return { residual: owed, discarded, roundsMissed, share };
  const left = owed.map((vector) => (vector === null ? null : vector.map((v) => v * share)));
  const taken = owed.map((vector, i) =>
    vector === null ? new Float32Array(groups[i]!.length) : vector.map((v, j) => v - left[i]![j]!),
  );
  return { residual: left, discarded: added(discarded, taken), roundsMissed, share };
}

const added = (sum: readonly Float32Array[], more: readonly Float32Array[]): readonly Float32Array[] =>
  sum.length === 0 ? more : sum.map((vector, i) => vector.map((v, j) => v + more[i]![j]!));
