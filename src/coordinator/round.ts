import type { ClientId } from "../model/message.ts";
import { derive, permutation } from "../model/rng.ts";
import {
  type LateClient,
  numLateAtWork,
  owes,
  type RoundConfig,
  type RoundEffect,
  type RoundEvent,
  type RoundState,
} from "./round-state.ts";

/**
 * The round machine: a pure function of events. It decides who is asked, whose report counts and when a round
 * closes; it sees no bytes, no tensors and no clock, and it draws from the run's seed alone.
 */
export type Step = (
  state: RoundState,
  event: RoundEvent,
  config: RoundConfig,
) => readonly [RoundState, readonly RoundEffect[]];

export const step: Step = (state, event, config) => {
  if (state.phase === "finished") return [state, []];
  switch (event.type) {
    case "checked-in":
      return checkedIn(state, event.clientId, config);
    case "left":
      return left(state, event.clientId, config);
    case "returned":
      return [{ ...state, gone: state.gone.filter((id) => id !== event.clientId) }, []];
    case "reported":
      return heard(state, event.clientId, { reported: [...state.reported, event.clientId] }, config);
    case "refused":
      return heard(state, event.clientId, { refused: [...state.refused, event.clientId] }, config);
    case "selection-deadline":
      if (state.phase !== "selecting" || event.round !== state.round + 1) return [state, []];
      return openWhenReady({ ...state, selectionTimer: false }, config, true);
    case "report-deadline":
      if (state.phase !== "reporting" || event.round !== state.round) return [state, []];
      return state.reported.length >= config.minimum
        ? commit(state, silent(state), config)
        : abandon(state, config);
    case "committed":
      return committed(state, config);
    case "resumed":
      return resume(state, config);
  }
};

/** Who checks in has nothing more to report of an earlier round. */
function checkedIn(before: RoundState, clientId: ClientId, config: RoundConfig): ReturnType<Step> {
  const state = { ...before, late: before.late.filter((one) => one.clientId !== clientId) };
  if (owes(state, clientId)) {
    const gone = state.gone.filter((id) => id !== clientId);
    return [{ ...state, gone }, [{ type: "configure", clientId }]];
  }
  if (state.waiting.includes(clientId)) return [state, []];
  const next = { ...state, waiting: [...state.waiting, clientId] };
  return state.phase === "reporting" ? joinRound(next, config) : openWhenReady(next, config, false);
}

/** Buffered: asks who waits, in order of arrival, while fewer than `concurrency` are at work. */
function joinRound(state: RoundState, { concurrency }: RoundConfig): ReturnType<Step> {
  if (concurrency === null) return [state, []];
  const numAtWork = state.cohort.filter((id) => owes(state, id) && !state.gone.includes(id)).length;
  const open = Math.max(0, concurrency - numAtWork - numLateAtWork(state));
  // a client reports once a round, of whichever round
  const heardOf = new Set([...state.cohort, ...state.reported, ...state.refused]);
  const next = state.waiting.filter((id) => !heardOf.has(id)).slice(0, open);
  return [
    {
      ...state,
      cohort: [...state.cohort, ...next],
      waiting: state.waiting.filter((id) => !next.includes(id)),
    },
    next.map((clientId) => ({ type: "configure", clientId })),
  ];
}

function left(state: RoundState, clientId: ClientId, config: RoundConfig): ReturnType<Step> {
  // the late stay: a report may be under way, and a client that is gone for good grows too stale
  const waiting = state.waiting.filter((id) => id !== clientId);
  if (!owes(state, clientId) || state.gone.includes(clientId)) return [{ ...state, waiting }, []];
  return closedOrJoined({ ...state, waiting, gone: [...state.gone, clientId] }, config);
}

/** Opens the next round when the cohort is there; once the minimum is there, only until the selection deadline. */
function openWhenReady(state: RoundState, config: RoundConfig, deadlinePassed: boolean): ReturnType<Step> {
  const isBuffered = config.concurrency !== null;
  const fewest = isBuffered && state.late.length > 0 ? 0 : config.minimum;
  if (state.phase !== "selecting" || state.waiting.length < fewest) return [state, []];
  const wanted = cohortSize(state, config);
  const round = state.round + 1;
  if (!isBuffered && state.waiting.length < wanted && !deadlinePassed) {
    if (state.selectionTimer) return [state, []];
    const afterMs = config.selectionDeadlineMs;
    return [
      { ...state, selectionTimer: true },
      [{ type: "timer", event: "selection-deadline", round, afterMs }],
    ];
  }
  const cohort = sample(state.waiting, wanted, config.seed, round);
  const next: RoundState = {
    ...state,
    phase: "reporting",
    round,
    cohort,
    reported: [],
    gone: [],
    refused: [],
    waiting: state.waiting.filter((id) => !cohort.includes(id)),
    selectionTimer: false,
  };
  return [
    next,
    [
      { type: "open", round, cohort },
      ...cohort.map((clientId) => ({ type: "configure", clientId }) as const),
      reportDeadline(round, config),
    ],
  ];
}

/** Enough for the goal after the drop-outs that experience expects; buffered, as many as may work beside the late. */
function cohortSize(state: RoundState, { goal, overSelection, concurrency }: RoundConfig): number {
  if (concurrency !== null) return Math.max(0, concurrency - numLateAtWork(state));
  const factor = overSelection === "auto" ? 1 / (1 - Math.min(state.dropOut, 0.9)) : overSelection;
  return Math.ceil(goal * factor - 1e-9);
}

/** A uniform choice that depends on who waits, not on the order in which they came. */
function sample(
  waiting: readonly ClientId[],
  size: number,
  seed: number,
  round: number,
): readonly ClientId[] {
  const ids = [...waiting].sort();
  const order = permutation(ids.length, derive(seed, "cohort", round));
  return [...order.subarray(0, size)].map((i) => ids[i]!).sort();
}

/** A client whose link is gone may still be heard of: its upload was under way. */
const heard = (
  state: RoundState,
  clientId: ClientId,
  change: Pick<RoundState, "reported"> | Pick<RoundState, "refused">,
  config: RoundConfig,
): ReturnType<Step> => {
  const [gone, late] = [state.gone.filter((id) => id !== clientId), withoutClient(state.late, clientId)];
  return closedOrJoined({ ...state, gone, late, ...change }, config);
};

/** A place that is free again goes to who waits for one, unless the round is over. */
function closedOrJoined(state: RoundState, config: RoundConfig): ReturnType<Step> {
  const [next, effects] = closeWhenComplete(state, config);
  if (next.phase !== "reporting" || next.round !== state.round) return [next, effects];
  const [joined, more] = joinRound(next, config);
  return [joined, [...effects, ...more]];
}

const withoutClient = (late: readonly LateClient[], clientId: ClientId): readonly LateClient[] =>
  late.filter((one) => one.clientId !== clientId);

/**
 * A round closes at its goal, or when everybody who can still report has, if that is enough; and it is abandoned as
 * soon as refusals leave too few.
 */
function closeWhenComplete(state: RoundState, config: RoundConfig): ReturnType<Step> {
  const { reported, gone, cohort, late } = state;
  const nobodyLeft = late.length === 0 && cohort.every((id) => !owes(state, id) || gone.includes(id));
  const numHopes = reported.length + late.length + cohort.filter((id) => owes(state, id)).length;
  if (numHopes < config.minimum && config.concurrency === null) return abandon(state, config);
  const complete = reported.length >= config.goal || (nobodyLeft && reported.length >= config.minimum);
  return complete ? commit(state, gone.length, config) : [state, []];
}

/** Who may still report in the next round, when the model has `nextVersion`. */
function lateAfter(
  state: RoundState,
  nextVersion: number,
  { maxStaleness }: RoundConfig,
): readonly LateClient[] {
  if (maxStaleness === 0) return [];
  const { version, round, cohort, late } = state;
  const silentNow = cohort.filter((id) => owes(state, id)).map((clientId) => ({ clientId, round, version }));
  return [...late, ...silentNow].filter((one) => nextVersion - one.version <= maxStaleness);
}

const commit = (state: RoundState, numLost: number, config: RoundConfig): ReturnType<Step> => [
  { ...learnDropOut(state, numLost), phase: "closing", late: lateAfter(state, state.version + 1, config) },
  [{ type: "close", round: state.round, outcome: "commit" }],
];

function abandon(state: RoundState, config: RoundConfig): ReturnType<Step> {
  const abandonedInRow = state.abandonedInRow + 1;
  const close: RoundEffect = { type: "close", round: state.round, outcome: "abandon" };
  const closed: RoundState = {
    ...learnDropOut(state, silent(state)),
    phase: "selecting",
    abandonedInRow,
    abandonedRound: state.round,
    late: lateAfter(state, state.version, config),
  };
  if (abandonedInRow >= config.maxAbandoned) {
    const detail = `${abandonedInRow} rounds in a row had fewer than ${config.minimum} reports in time`;
    return [{ ...closed, phase: "finished" }, [close, { type: "finish", outcome: "failed", detail }]];
  }
  const [next, effects] = openWhenReady(closed, config, false);
  return [next, [close, ...effects]];
}

function committed(state: RoundState, config: RoundConfig): ReturnType<Step> {
  const next: RoundState = { ...state, phase: "selecting", version: state.version + 1, abandonedInRow: 0 };
  return finishWhenDone(next, config) ?? openWhenReady(next, config, false);
}

/** After a restart the deadline of an open round begins anew. */
function resume(state: RoundState, config: RoundConfig): ReturnType<Step> {
  if (state.phase !== "reporting") return finishWhenDone(state, config) ?? [state, []];
  const [next, effects] = closeWhenComplete(state, config);
  return [next, effects.length > 0 ? effects : [reportDeadline(state.round, config)]];
}

function finishWhenDone(state: RoundState, { rounds }: RoundConfig): ReturnType<Step> | null {
  if (state.version < rounds) return null;
  const detail = `version ${state.version} reached`;
  return [{ ...state, phase: "finished" }, [{ type: "finish", outcome: "done", detail }]];
}

const reportDeadline = (round: number, { reportDeadlineMs }: RoundConfig): RoundEffect => ({
  type: "timer",
  event: "report-deadline",
  round,
  afterMs: reportDeadlineMs,
});

/** Who has not reported by the deadline. */
const silent = ({ cohort, reported }: RoundState): number =>
  cohort.filter((id) => !reported.includes(id)).length;

/** At a deadline the silent were lost; at the goal only those whose link broke: the others just came later. */
function learnDropOut(state: RoundState, numLost: number): RoundState {
  const share = numLost / Math.max(1, state.cohort.length);
  return { ...state, dropOut: 0.8 * state.dropOut + 0.2 * share };
}
