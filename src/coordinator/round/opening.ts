import type { ClientId } from "../../model/message.ts";
import { derive, permutation } from "../../model/rng.ts";
import { cohortFor } from "./over-selection.ts";
import type { Step } from "./round.ts";
import { numLateAtWork, owing, type RoundConfig, type RoundEffect, type RoundState } from "./state.ts";

/** How the round machine chooses who is asked. */

/** Opens the next round when the cohort is there; once the minimum is there, only until the selection deadline. */
export function openWhenReady(
  state: RoundState,
  config: RoundConfig,
  deadlinePassed: boolean,
): ReturnType<Step> {
  const { waiting, offered, paused, phase } = state;
  const isBuffered = config.concurrency !== null;
  const fewest = isBuffered && state.late.length > 0 ? 0 : config.minimum - offered.length;
  if (paused || phase !== "selecting" || waiting.length < fewest) return [state, []];
  const wanted = cohortSize(state, config);
  const round = state.round + 1;
  if (!isBuffered && waiting.length < wanted && !deadlinePassed) {
    if (state.selectionTimer) return [state, []];
    const afterMs = config.selectionDeadlineMs;
    return [
      { ...state, selectionTimer: true },
      [{ type: "timer", event: "selection-deadline", round, afterMs }],
    ];
  }
  const cohort = sample(state, wanted, config.seed, round);
  const next: RoundState = {
    ...state,
    phase: "reporting",
    round,
    cohort,
    reported: [],
    gone: [],
    refused: [],
    waiting: without(waiting, cohort),
    offered: [],
    promised: [...new Set([...state.promised, ...offered])],
    selectionTimer: false,
    settled: true,
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

/**
 * Enough for the goal, less the late reports that are ready for the first time, after the drop-outs that experience
 * expects; but of these extra clients, once it is known who is there, no more than there are. Buffered, as many as may work beside the late.
 */
function cohortSize(state: RoundState, { goal, overSelection, concurrency }: RoundConfig): number {
  if (concurrency !== null) return Math.max(0, concurrency - numLateAtWork(state));
  const reliable = without(state.offered, state.promised);
  const wanted = Math.max(0, goal - reliable.length);
  if (overSelection !== "auto") return Math.ceil(wanted * overSelection - 1e-9);
  const enough = wanted === 0 ? 0 : cohortFor(wanted, state.evidence);
  return state.settled ? Math.min(enough, Math.max(wanted, state.present.length)) : enough;
}

/**
 * A uniform choice that depends on who waits, not on the order in which they came; but if a part of the model is overdue
 * and nobody who was chosen can train it, the first who can takes the last place: masked averaging converges to a point
 * of the whole model's loss only if every coordinate is covered (Zhou et al., "Every parameter matters", 2023).
 */
function sample(
  { waiting, present, overdueWidth }: RoundState,
  size: number,
  seed: number,
  round: number,
): readonly ClientId[] {
  const ids = [...waiting].sort();
  const inOrder = [...permutation(ids.length, derive(seed, "cohort", round))].map((i) => ids[i]!);
  const chosen = inOrder.slice(0, size);
  const wide = new Set(present.flatMap(({ clientId, width }) => (width >= overdueWidth ? [clientId] : [])));
  const needed = inOrder.find((id) => wide.has(id));
  if (needed !== undefined && size > 0 && !chosen.some((id) => wide.has(id))) chosen[size - 1] = needed;
  return chosen.sort();
}

/**
 * Buffered: asks who waits, in order of arrival, while fewer than `concurrency` are at work; while paused, no more than
 * the open round still needs.
 */
export function joinRound(state: RoundState, { concurrency, goal }: RoundConfig): ReturnType<Step> {
  if (concurrency === null) return [state, []];
  const { cohort, reported, refused, gone, paused } = state;
  const numAtWork = owing(state).length - gone.length;
  const places = paused ? Math.min(concurrency, goal - reported.length) : concurrency;
  const open = Math.max(0, places - numAtWork - numLateAtWork(state));
  // a client reports once a round, of whichever round
  const heardOf = new Set([...cohort, ...reported, ...refused]);
  const next = state.waiting.filter((id) => !heardOf.has(id)).slice(0, open);
  const { round } = state;
  return [
    { ...state, cohort: [...cohort, ...next], waiting: without(state.waiting, next) },
    next.flatMap((clientId): RoundEffect[] => [
      { type: "join", round, clientId },
      { type: "configure", clientId },
    ]),
  ];
}

function without(ids: readonly ClientId[], others: readonly ClientId[]): readonly ClientId[] {
  const gone = new Set(others);
  return ids.filter((id) => !gone.has(id));
}

export const reportDeadline = (round: number, { reportDeadlineMs }: RoundConfig): RoundEffect => ({
  type: "timer",
  event: "report-deadline",
  round,
  afterMs: reportDeadlineMs,
});
