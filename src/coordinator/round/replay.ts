import type { Record } from "../journal/record.ts";
import { abandoned, lateAfter } from "./closing.ts";
import { type RoundConfig, type RoundState, withoutClient } from "./state.ts";

/**
 * What the round machine knows after a record of the journal: it goes on from there after a restart. Who is there is not
 * known any more, and a late client counts as at work until it checks in again.
 */
export function afterRecord(state: RoundState, record: Record, config: RoundConfig): RoundState {
  switch (record.type) {
    case "started":
      return state;
    case "opened": {
      const { round, cohort } = record;
      const late = state.late.filter(({ clientId }) => !cohort.includes(clientId));
      return { ...state, phase: "reporting", round, cohort, reported: [], refused: [], late };
    }
    case "joined": {
      const { clientId } = record;
      return { ...state, cohort: [...state.cohort, clientId], late: withoutClient(state.late, clientId) };
    }
    case "accepted": {
      const { clientId } = record;
      return { ...state, reported: [...state.reported, clientId], late: withoutClient(state.late, clientId) };
    }
    case "refused": {
      const { clientId } = record;
      return { ...state, refused: [...state.refused, clientId], late: withoutClient(state.late, clientId) };
    }
    case "closed": {
      const { version, evidence } = record;
      const late = lateAfter(state, version, config);
      const inRow = record.outcome === "commit" ? { abandonedInRow: 0 } : abandoned(state);
      return { ...state, ...inRow, phase: "selecting", version, evidence, late };
    }
    case "paused":
      return { ...state, paused: true };
    case "resumed":
      return { ...state, paused: false };
  }
}
