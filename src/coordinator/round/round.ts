import type { ClientId } from "../../model/message.ts";
import { abandon, closeWhenComplete, commit } from "./closing.ts";
import { joinRound, openWhenReady, reportDeadline } from "./opening.ts";
import { observed } from "./over-selection.ts";
import {
  isEarly,
  owes,
  type PresentClient,
  type RoundConfig,
  type RoundEffect,
  type RoundEvent,
  type RoundState,
  withoutClient,
} from "./state.ts";

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
      return checkedIn(state, { width: 1, ...event }, config);
    case "left":
      return left(state, event.clientId, config);
    case "returned":
      return [withoutGone(noticed(state, event.clientId), event.clientId), []];
    case "reported":
      if (state.phase !== "reporting") return [state, []];
      return heard(state, event.clientId, { reported: [...state.reported, event.clientId] }, config);
    case "refused":
      if (state.phase !== "reporting") return [withoutLate(state, event.clientId), []];
      return heard(state, event.clientId, { refused: [...state.refused, event.clientId] }, config);
    case "offered":
      return offered(state, event.clientId, config);
    case "selection-deadline":
      if (state.phase !== "selecting" || event.round !== state.round + 1) return [state, []];
      return openWhenReady({ ...state, selectionTimer: false }, config, true);
    case "report-deadline":
      return reportDeadlinePassed(state, event.round, config);
    case "committed":
      return committed({ ...state, overdueWidth: event.overdueWidth ?? 0 }, config);
    case "restarted":
      return restarted({ ...state, overdueWidth: event.overdueWidth ?? 0 }, config);
    case "paused": {
      const paused = { ...state, paused: true };
      return event.abandon && state.phase === "reporting" ? abandon(paused, config) : [paused, []];
    }
    case "resumed": {
      const next = { ...state, paused: false };
      return next.phase === "reporting" ? joinRound(next, config) : openWhenReady(next, config, false);
    }
  }
};

const withoutGone = (state: RoundState, clientId: ClientId): RoundState => ({
  ...state,
  gone: state.gone.filter((id) => id !== clientId),
});

/** Who checks in has nothing more to report of an earlier round. */
function checkedIn(
  before: RoundState,
  { clientId, width }: PresentClient,
  config: RoundConfig,
): ReturnType<Step> {
  const state = {
    ...withoutLate(noticed(before, clientId), clientId),
    present: [...before.present.filter((one) => one.clientId !== clientId), { clientId, width }],
  };
  if (owes(state, clientId)) {
    return [withoutGone(state, clientId), [{ type: "configure", clientId }]];
  }
  const isWaiting = state.waiting.includes(clientId);
  const next = isWaiting ? state : { ...state, waiting: [...state.waiting, clientId] };
  if (next.phase !== "reporting") return openWhenReady(next, config, false);
  const [joined, effects] = joinRound(next, config);
  const [closed, more] = closeWhenComplete(joined, config); // the last that was hoped for, unless it joined
  return [closed, [...effects, ...more]];
}

const withoutLate = (state: RoundState, clientId: ClientId): RoundState => ({
  ...state,
  late: withoutClient(state.late, clientId),
  offered: state.offered.filter((id) => id !== clientId),
  promised: state.promised.filter((id) => id !== clientId),
});

/** Of a client that was silent when its round closed something is heard before the round's deadline. */
function noticed(state: RoundState, clientId: ClientId): RoundState {
  const from = state.awaited.find(({ clientIds }) => clientIds.includes(clientId));
  if (from === undefined) return state;
  const left = {
    ...from,
    heard: from.heard + 1,
    clientIds: from.clientIds.filter((id) => id !== clientId),
  };
  const others = state.awaited.filter((one) => one !== from);
  if (left.clientIds.length > 0) return { ...state, awaited: [...others, left] };
  return { ...state, awaited: others, evidence: observed(state.evidence, left) };
}

function left(before: RoundState, clientId: ClientId, config: RoundConfig): ReturnType<Step> {
  // the late stay: a report may be under way, and a client that is gone for good grows too stale
  const waiting = before.waiting.filter((id) => id !== clientId);
  const present = before.present.filter((one) => one.clientId !== clientId);
  const state = { ...before, waiting, present };
  if (!owes(state, clientId) || state.gone.includes(clientId)) return openWhenReady(state, config, false);
  return closedOrJoined({ ...state, gone: [...state.gone, clientId] }, config);
}

/** A client whose link is gone may still be heard of: its upload was under way. */
function heard(
  before: RoundState,
  clientId: ClientId,
  change: Pick<RoundState, "reported"> | Pick<RoundState, "refused">,
  config: RoundConfig,
): ReturnType<Step> {
  const state = withoutLate(noticed(before, clientId), clientId);
  const gone = state.gone.filter((id) => id !== clientId);
  return closedOrJoined({ ...state, gone, ...change }, config);
}

/**
 * A client with a report for the next round is as good as one that waits for it: it does not check in before it has
 * reported, so that a fleet of no more than the minimum would wait for ever.
 */
function offered(state: RoundState, clientId: ClientId, config: RoundConfig): ReturnType<Step> {
  const isLate = state.late.some((one) => one.clientId === clientId && isEarly(state, clientId, one.round));
  if (!isLate || state.offered.includes(clientId)) return [state, []];
  return openWhenReady({ ...state, offered: [...state.offered, clientId] }, config, false);
}

/** A place that is free again goes to who waits for one, unless the round is over. */
function closedOrJoined(state: RoundState, config: RoundConfig): ReturnType<Step> {
  const [next, effects] = closeWhenComplete(state, config);
  if (next.phase !== "reporting" || next.round !== state.round) return [next, effects];
  const [joined, more] = joinRound(next, config);
  return [joined, [...effects, ...more]];
}

/** Of an open round, or of one that closed before: then who was not heard of since is lost. */
function reportDeadlinePassed(before: RoundState, round: number, config: RoundConfig): ReturnType<Step> {
  const from = before.awaited.find((one) => one.round === round);
  const state: RoundState =
    from === undefined
      ? before
      : {
          ...before,
          awaited: before.awaited.filter((one) => one !== from),
          evidence: observed(before.evidence, { heard: from.heard, lost: from.lost + from.clientIds.length }),
        };
  if (state.phase !== "reporting" || round !== state.round) return [state, []];
  return state.reported.length >= config.minimum
    ? commit(state, config, "deadline")
    : abandon(state, config, "deadline");
}

function committed(state: RoundState, config: RoundConfig): ReturnType<Step> {
  if (state.phase !== "closing") return [state, []];
  const next: RoundState = { ...state, phase: "selecting", version: state.version + 1, abandonedInRow: 0 };
  return finishWhenDone(next, config) ?? openWhenReady(next, config, false);
}

/** The deadline of an open round begins anew; a run that had failed, and was started again, gets its tries again. */
function restarted(before: RoundState, config: RoundConfig): ReturnType<Step> {
  const hadFailed = before.abandonedInRow >= config.maxAbandoned;
  const state = hadFailed ? { ...before, abandonedInRow: 0 } : before;
  if (state.phase !== "reporting") return finishWhenDone(state, config) ?? [state, []];
  const [next, effects] = closeWhenComplete(state, config);
  return [next, effects.length > 0 ? effects : [reportDeadline(state.round, config)]];
}

function finishWhenDone(state: RoundState, { rounds }: RoundConfig): ReturnType<Step> | null {
  if (state.version < rounds) return null;
  const detail = `version ${state.version} reached`;
  return [{ ...state, phase: "finished" }, [{ type: "finish", outcome: "done", detail }]];
}
