import type { ClientId } from "../../model/message.ts";
import { openWhenReady } from "./opening.ts";
import { observed } from "./over-selection.ts";
import type { Step } from "./round.ts";
import { type LateClient, owing, type RoundConfig, type RoundEffect, type RoundState } from "./state.ts";

/** How a round of the machine ends. */

/** Whether the silent have had all the time that there was, or the round closed before. */
type Cause = "deadline" | "early";

/**
 * A round closes at its goal, or when everybody who can still report has, if that is enough; and it is abandoned as
 * soon as refusals leave too few.
 */
export function closeWhenComplete(state: RoundState, config: RoundConfig): ReturnType<Step> {
  const { reported, gone, late } = state;
  const silent = owing(state);
  const nobodyLeft = late.length === 0 && silent.length === gone.length;
  const numHopes = reported.length + late.length + silent.length;
  if (numHopes < config.minimum && config.concurrency === null) return abandon(state, config);
  const complete = reported.length >= config.goal || (nobodyLeft && reported.length >= config.minimum);
  return complete ? commit(state, config) : [state, []];
}

export const commit = (state: RoundState, config: RoundConfig, cause: Cause = "early"): ReturnType<Step> => [
  { ...learned(state, config, cause), phase: "closing", late: lateAfter(state, state.version + 1, config) },
  [{ type: "close", round: state.round, outcome: "commit" }],
];

export function abandon(state: RoundState, config: RoundConfig, cause: Cause = "early"): ReturnType<Step> {
  const { abandonedInRow } = abandoned(state);
  const close: RoundEffect = { type: "close", round: state.round, outcome: "abandon" };
  const closed: RoundState = {
    ...learned(state, config, cause),
    ...abandoned(state),
    phase: "selecting",
    late: lateAfter(state, state.version, config),
  };
  if (abandonedInRow >= config.maxAbandoned) {
    const detail = `${abandonedInRow} rounds in a row had fewer than ${config.minimum} reports in time`;
    return [{ ...closed, phase: "finished" }, [close, { type: "finish", outcome: "failed", detail }]];
  }
  const [next, effects] = openWhenReady(closed, config, false);
  return [next, [close, ...effects]];
}

/** A round that ends while the run is paused, with nobody new asked, says nothing of the fleet. */
export const abandoned = ({ abandonedInRow, paused, round }: RoundState) => ({
  abandonedInRow: paused ? abandonedInRow : abandonedInRow + 1,
  abandonedRound: round,
});

/** Who may still report in the next round, when the model has `nextVersion`. */
export function lateAfter(
  state: RoundState,
  nextVersion: number,
  { maxStaleness }: RoundConfig,
): readonly LateClient[] {
  if (maxStaleness === 0) return [];
  const { version, round, late } = state;
  const silentNow = owing(state).map((clientId) => ({ clientId, round, version }));
  return [...late, ...silentNow].filter((one) => nextVersion - one.version <= maxStaleness);
}

/**
 * What became of the cohort. Who is silent at the deadline is lost. Who is silent when the round closes before may just be
 * slow: of them the deadline decides, by what is heard of them until then, and all that is known of the round waits for
 * it; else rounds that close at their goal would teach that hardly anybody is ever lost, and the next would ask too few.
 */
function learned(state: RoundState, { concurrency }: RoundConfig, cause: Cause): RoundState {
  if (concurrency !== null) return state; // a place that is lost goes to another: nobody is asked in reserve
  const { awaited, round } = state;
  const asked = new Set(state.cohort);
  const numAsked = (ids: readonly ClientId[]): number => ids.filter((id) => asked.has(id)).length;
  const silent = owing(state);
  const [heard, lost] = [numAsked(state.reported), numAsked(state.refused)];
  if (cause === "early" && silent.length > 0)
    return { ...state, awaited: [...awaited, { round, heard, lost, clientIds: silent }] };
  return { ...state, evidence: observed(state.evidence, { heard, lost: lost + silent.length }) };
}
