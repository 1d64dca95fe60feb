import type { ClientId } from "../model/message.ts";
import type { Refusal } from "../model/protocol.ts";

/** What the round machine knows, hears and asks for; and what can be read off its state. */

export interface RoundConfig {
  readonly seed: number;
  /** Versions to reach: the run is done when the model has this one. */
  readonly rounds: number;
  /** Reports that close a round. */
  readonly goal: number;
  /** Fewest reports that a round may be folded from. */
  readonly minimum: number;
  /** Clients asked a goal's report; auto follows the drop-outs seen. */
  readonly overSelection: number | "auto";
  readonly selectionDeadlineMs: number;
  readonly reportDeadlineMs: number;
  /** Rounds abandoned in a row before the run fails. */
  readonly maxAbandoned: number;
  /**
   * How many versions the model may have moved on while a client trained: so long its report still counts, in the round
   * that is open when it comes. 0: it counts only in the round that asked for it.
   */
  readonly maxStaleness: number;
  /**
   * Buffered (FedBuff, Nguyen et al., 2022): nobody waits for anybody. Who checks in is asked at once while fewer than
   * this are at work, and whoever reports fills the buffer of `goal` reports that makes the next version; null: one
   * cohort a round.
   */
  readonly concurrency: number | null;
}

/** A client that was asked in an earlier round, for a model of an earlier version, and has not reported. */
export interface LateClient {
  readonly clientId: ClientId;
  readonly round: number;
  readonly version: number;
}

export interface RoundState {
  readonly phase: "selecting" | "reporting" | "closing" | "finished";
  readonly version: number;
  /** The last round opened; every attempt has its own number. */
  readonly round: number;
  /** Checked in and without work, in order of arrival. */
  readonly waiting: readonly ClientId[];
  readonly cohort: readonly ClientId[];
  readonly reported: readonly ClientId[];
  /** In the cohort, not reported, link gone. */
  readonly gone: readonly ClientId[];
  /** In the cohort, sent a report that does not check out: out of this round. */
  readonly refused: readonly ClientId[];
  /** Asked in earlier rounds; what they report counts in this one. */
  readonly late: readonly LateClient[];
  /** The last round that was abandoned: who was asked until then holds no place any more; 0 before there was one. */
  readonly abandonedRound: number;
  /** The selection deadline of the next round is running. */
  readonly selectionTimer: boolean;
  readonly abandonedInRow: number;
  /** Moving average of the share of a cohort that did not report in time. */
  readonly dropOut: number;
}

export type RoundEvent =
  | { readonly type: "checked-in"; readonly clientId: ClientId }
  | { readonly type: "left"; readonly clientId: ClientId }
  /** Heard of again, and at work still: its link had broken. */
  | { readonly type: "returned"; readonly clientId: ClientId }
  | { readonly type: "reported"; readonly clientId: ClientId }
  | { readonly type: "refused"; readonly clientId: ClientId }
  | { readonly type: "selection-deadline"; readonly round: number }
  | { readonly type: "report-deadline"; readonly round: number }
  | { readonly type: "committed" }
  | { readonly type: "resumed" };

export type RoundEffect =
  | { readonly type: "open"; readonly round: number; readonly cohort: readonly ClientId[] }
  | { readonly type: "configure"; readonly clientId: ClientId }
  | {
      readonly type: "timer";
      readonly event: "selection-deadline" | "report-deadline";
      readonly round: number;
      readonly afterMs: number;
    }
  | { readonly type: "close"; readonly round: number; readonly outcome: "commit" | "abandon" }
  | { readonly type: "finish"; readonly outcome: "done" | "failed"; readonly detail: string };

export const initialRound: RoundState = {
  phase: "selecting",
  version: 0,
  round: 0,
  waiting: [],
  cohort: [],
  reported: [],
  gone: [],
  refused: [],
  late: [],
  abandonedRound: 0,
  selectionTimer: false,
  abandonedInRow: 0,
  dropOut: 0,
};

/** The version that a client's report of `round` has to be trained from, were it accepted now; null: it would not be. */
export function baseOf(state: RoundState, clientId: ClientId, round: number): number | null {
  if (state.phase !== "reporting") return null;
  if (round === state.round) return state.version;
  return state.late.find((one) => one.clientId === clientId && one.round === round)?.version ?? null;
}

const BETWEEN_ROUNDS_MS = 1000;

/** Whether a report would be accepted now: null when it would, else why not. Asked before anything is decoded. */
export function refusalOf(state: RoundState, clientId: ClientId, round: number): Refusal | null {
  const isLate = state.late.some((one) => one.clientId === clientId && one.round === round);
  if (isLate && (state.phase === "selecting" || state.phase === "closing"))
    return {
      code: "between-rounds",
      detail: `the report of round ${round} counts in the next round, which is not open yet`,
      retry: true,
      retryAfterMs: BETWEEN_ROUNDS_MS,
    };
  if (state.phase !== "reporting" || (round !== state.round && baseOf(state, clientId, round) === null))
    return { code: "wrong-round", detail: `round ${round} is not open`, retry: true };
  if (round !== state.round && !state.reported.includes(clientId)) return null;
  if (!state.cohort.includes(clientId))
    return { code: "not-selected", detail: `this client was not asked in round ${round}`, retry: true };
  if (state.reported.includes(clientId))
    return { code: "already-reported", detail: `this client has reported in round ${round}`, retry: true };
  if (state.refused.includes(clientId))
    return {
      code: "already-refused",
      detail: `a report of this client was refused in round ${round}`,
      retry: true,
    };
  return null;
}

/** The state after a restart: an open round goes on, and its clients are expected back. */
export function resumedRound(
  version: number,
  round: number,
  open: { readonly cohort: readonly ClientId[]; readonly reported: readonly ClientId[] } | null,
): RoundState {
  const state = { ...initialRound, version, round };
  return open === null ? state : { ...state, phase: "reporting", ...open };
}

/** Whether a client has a report to make in the open round. */
export const owes = ({ phase, cohort, reported, refused }: RoundState, clientId: ClientId): boolean =>
  phase === "reporting" &&
  cohort.includes(clientId) &&
  !reported.includes(clientId) &&
  !refused.includes(clientId);

/**
 * Late clients that hold a place of `concurrency`. After a round that was abandoned all of them may be gone for good: they
 * may still report, but if they kept their places, as many of them as there are places would end a run.
 */
export const numLateAtWork = ({
  late,
  abandonedRound,
}: Pick<RoundState, "late" | "abandonedRound">): number =>
  late.filter(({ round }) => round > abandonedRound).length;
