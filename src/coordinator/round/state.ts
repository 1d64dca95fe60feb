import type { ClientId } from "../../model/message.ts";
import type { Refusal } from "../../model/protocol.ts";
import { type Evidence, noEvidence } from "./over-selection.ts";

/** What the round machine knows, hears and asks for; and what can be read off its state. */

export interface RoundConfig {
  readonly seed: number;
  /** Versions to reach: the run is done when the model has this one. */
  readonly rounds: number;
  /** Reports that close a round. */
  readonly goal: number;
  /** Fewest reports that a round may be folded from. */
  readonly minimum: number;
  /** Clients asked a report that is wanted; auto: as many as the drop-outs seen make necessary. */
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
  /** With widths: after so many versions without a report of the widest part somebody who can train it is asked. */
  readonly coverWithin: number;
}

/** A client that was asked in an earlier round, for a model of an earlier version, and has not reported. */
export interface LateClient {
  readonly clientId: ClientId;
  readonly round: number;
  readonly version: number;
}

export interface PresentClient {
  readonly clientId: ClientId;
  /** Of the part of the model that its device is good for, 1 for all of it. */
  readonly width: number;
}

/** A closed round whose deadline decides what became of the clients of which nothing was heard yet. */
export interface Awaited extends Evidence {
  readonly round: number;
  readonly clientIds: readonly ClientId[];
}

/** What survives a restart is a fold of the journal: see round-replay.ts. */
export interface RoundState {
  readonly phase: "selecting" | "reporting" | "closing" | "finished";
  readonly version: number;
  /** The last round opened; every attempt has its own number. */
  readonly round: number;
  /** An operator's word: no round opens until the run is resumed. */
  readonly paused: boolean;
  readonly cohort: readonly ClientId[];
  readonly reported: readonly ClientId[];
  /** Sent a report that does not check out: out of this round. */
  readonly refused: readonly ClientId[];
  /** Asked in earlier rounds; what they report counts in the open one, or else in the next. */
  readonly late: readonly LateClient[];
  /** The last round that was abandoned: who was asked until then holds no place any more; 0 before there was one. */
  readonly abandonedRound: number;
  readonly abandonedInRow: number;
  /** What became of the clients that were asked. */
  readonly evidence: Evidence;
  // From here on what a restart forgets.
  /** Checked in and not left. */
  readonly present: readonly PresentClient[];
  /** Of these, without work, in order of arrival. */
  readonly waiting: readonly ClientId[];
  /** In the cohort, not reported, link gone. */
  readonly gone: readonly ClientId[];
  /** Late clients that are ready to report and wait for the next round. */
  readonly offered: readonly ClientId[];
  /** Of the late, who was ready once before when a round opened and has not been heard of since: nobody counts on it again. */
  readonly promised: readonly ClientId[];
  readonly awaited: readonly Awaited[];
  /** The selection deadline of the next round is running. */
  readonly selectionTimer: boolean;
  /** A round has opened since this process began: who is present is known. */
  readonly settled: boolean;
  /** Of the part of the model that somebody in the next cohort has to train, if anybody who waits can; 0 for any. */
  readonly overdueWidth: number;
}

export type RoundEvent =
  /** `width` is that of the part of the model that its device is good for; all of it if left out. */
  | { readonly type: "checked-in"; readonly clientId: ClientId; readonly width?: number }
  | { readonly type: "left"; readonly clientId: ClientId }
  /** Heard of again, and at work still: its link had broken. */
  | { readonly type: "returned"; readonly clientId: ClientId }
  | { readonly type: "reported"; readonly clientId: ClientId }
  | { readonly type: "refused"; readonly clientId: ClientId }
  /** A late client's report has come while no round is open. */
  | { readonly type: "offered"; readonly clientId: ClientId }
  | { readonly type: "selection-deadline"; readonly round: number }
  | { readonly type: "report-deadline"; readonly round: number }
  | { readonly type: "committed"; readonly overdueWidth?: number }
  /** The process begins on a journal that holds a run. */
  | { readonly type: "restarted"; readonly overdueWidth?: number }
  /** By an operator: the open round goes on to its end, or is abandoned; no other opens. */
  | { readonly type: "paused"; readonly abandon: boolean }
  | { readonly type: "resumed" };

export type RoundEffect =
  | { readonly type: "open"; readonly round: number; readonly cohort: readonly ClientId[] }
  /** One more in the open round's cohort. */
  | { readonly type: "join"; readonly round: number; readonly clientId: ClientId }
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
  paused: false,
  cohort: [],
  reported: [],
  refused: [],
  late: [],
  abandonedRound: 0,
  abandonedInRow: 0,
  evidence: noEvidence,
  present: [],
  waiting: [],
  gone: [],
  offered: [],
  promised: [],
  awaited: [],
  selectionTimer: false,
  settled: false,
  overdueWidth: 0,
};

/** The version that a client's report of `round` has to be trained from, were it accepted; null: it would not be. */
export function baseOf(state: RoundState, clientId: ClientId, round: number): number | null {
  if (state.phase === "reporting" && round === state.round) return state.version;
  return state.late.find((one) => one.clientId === clientId && one.round === round)?.version ?? null;
}

/** Whether a report would count, but for the round that is not open yet. */
export const isEarly = (state: RoundState, clientId: ClientId, round: number): boolean =>
  (state.phase === "selecting" || state.phase === "closing") && baseOf(state, clientId, round) !== null;

/** When a client with a report that counts in the next round asks again whether that is open. */
const BETWEEN_ROUNDS_MS = 1000;

/** Whether a report would be accepted now: null when it would, else why not. Asked before anything is decoded. */
export function refusalOf(state: RoundState, clientId: ClientId, round: number): Refusal | null {
  const { phase, reported, refused } = state;
  if (phase === "finished" || baseOf(state, clientId, round) === null)
    return { code: "wrong-round", detail: `round ${round} is not open`, retry: true };
  if (isEarly(state, clientId, round))
    return {
      code: "between-rounds",
      detail: `the report of round ${round} counts in the next round, which is not open yet`,
      retry: true,
      retryAfterMs: BETWEEN_ROUNDS_MS,
    };
  if (round !== state.round) return null; // it is late, and counts nevertheless
  if (!state.cohort.includes(clientId))
    return { code: "not-selected", detail: `this client was not asked in round ${round}`, retry: true };
  if (reported.includes(clientId))
    return { code: "already-reported", detail: `this client has reported in round ${round}`, retry: true };
  if (refused.includes(clientId))
    return {
      code: "already-refused",
      detail: `a report of this client was refused in round ${round}`,
      retry: true,
    };
  return null;
}

/** Without a client that has reported, or will not. */
export const withoutClient = (late: readonly LateClient[], clientId: ClientId): readonly LateClient[] =>
  late.filter((one) => one.clientId !== clientId);

/** Whether a client has a report to make in the open round. */
export const owes = ({ phase, cohort, reported, refused }: RoundState, clientId: ClientId): boolean =>
  phase === "reporting" &&
  cohort.includes(clientId) &&
  !reported.includes(clientId) &&
  !refused.includes(clientId);

/** Who has a report to make in the open round: a cohort may be large, and nobody in it is looked for twice. */
export function owing({ phase, cohort, reported, refused }: RoundState): readonly ClientId[] {
  if (phase !== "reporting") return [];
  const heard = new Set([...reported, ...refused]);
  return cohort.filter((id) => !heard.has(id));
}

/**
 * Late clients that hold a place of `concurrency`. After a round that was abandoned all of them may be gone for good: they
 * may still report, but if they kept their places, as many of them as there are places would end a run.
 */
export const numLateAtWork = ({
  late,
  abandonedRound,
}: Pick<RoundState, "late" | "abandonedRound">): number =>
  late.filter(({ round }) => round > abandonedRound).length;
