import { bug, type PlantedBug } from "./bug.ts";

/** Who is asked, who counts and when a round closes. */
export const roundBugs: readonly PlantedBug[] = [
  bug(
    "everybody gets the narrowest part",
    "coordinator/sessions/fitting",
    "widestFirst.find(fits) ?? widestFirst.at(-1)",
    "widestFirst.at(-1)",
  ),
  bug(
    "a restart forgets who has which part",
    "coordinator/journal/replay",
    "book.openRound(record.round, record.cohort, record.exponents, record.widths);",
    "book.openRound(record.round, record.cohort, record.exponents);",
  ),
  bug(
    "a paused run opens a round",
    "coordinator/round/opening",
    'if (paused || phase !== "selecting"',
    'if (phase !== "selecting"',
  ),
  bug(
    "a restart forgets the pause",
    "coordinator/round/replay",
    'case "paused":\n            return { ...state, paused: true };',
    'case "paused":\n            return state;',
  ),
  bug(
    "a pause abandons nothing",
    "coordinator/round/round",
    'event.abandon && state.phase === "reporting"',
    'false && state.phase === "reporting"',
  ),
  bug(
    "a late report leaves its place open",
    "coordinator/round/round",
    "const state = withoutLate(noticed(before, clientId), clientId);",
    "const state = noticed(before, clientId);",
  ),
  bug(
    "late for one version longer",
    "coordinator/round/closing",
    "nextVersion - one.version <= maxStaleness",
    "nextVersion - one.version <= maxStaleness + 1",
  ),
  bug(
    "a round closes with fewer than the minimum",
    "coordinator/round/round",
    "state.reported.length >= config.minimum\n                ? commit",
    "state.reported.length > 0\n                ? commit",
  ),
  bug(
    "a round closes one report after its goal",
    "coordinator/round/closing",
    "reported.length >= config.goal ||",
    "reported.length > config.goal ||",
  ),
  bug(
    "who was not asked may report",
    "coordinator/round/state",
    "if (!state.cohort.includes(clientId))",
    "if (false)",
  ),
  bug(
    "the deadline of one round ends the next",
    "coordinator/round/round",
    'if (state.phase !== "reporting" || round !== state.round)',
    'if (state.phase !== "reporting")',
  ),
  bug(
    "the base version is not compared",
    "coordinator/sessions/report-check",
    'expect("wrong-base", "baseVersion", frame.baseVersion, rules.baseVersion);',
    "",
  ),
  bug(
    "the round is not compared",
    "coordinator/sessions/report-check",
    'expect("wrong-round", "round", frame.round, rules.round);',
    "",
  ),
  bug("the bound is not checked", "aggregation/exponents", "if (largest <= bound)", "if (true)"),
  bug(
    "tasks have the bounds of another round",
    "coordinator/sessions/task-of",
    "exponents: book.exponents(),",
    "exponents: book.exponents().map((e) => e + 1),",
  ),
  bug("bounds shrink under late reports", "coordinator/book/usual", "keepsBounds ?", "false ?"),
  bug(
    "late reports are asked for from the newest version",
    "coordinator/round/state",
    "?.version ?? null;",
    "&& state.version;",
  ),
  bug(
    "a session that is gone is never closed",
    "coordinator/sessions/sessions",
    "live.delete(clientId);",
    "",
  ),
  bug(
    "everybody who waits is asked",
    "coordinator/round/opening",
    "const chosen = inOrder.slice(0, size);",
    "const chosen = inOrder.slice();",
  ),
  bug(
    "a round closes at its minimum",
    "coordinator/round/closing",
    "const complete = reported.length >= config.goal ||",
    "const complete = reported.length >= config.minimum ||",
  ),
  bug(
    "a round stays open for eight deadlines",
    "coordinator/round/opening",
    "afterMs: reportDeadlineMs",
    "afterMs: 8 * reportDeadlineMs",
  ),
  bug(
    "late for one version less",
    "coordinator/round/closing",
    "nextVersion - one.version <= maxStaleness",
    "nextVersion - one.version < maxStaleness",
  ),
  bug(
    "a restart forgets who is late",
    "coordinator/round/replay",
    "const late = lateAfter(state, version, config);",
    "const late = [];",
  ),
  bug(
    "who checks in may still report late",
    "coordinator/round/round",
    "...withoutLate(noticed(before, clientId), clientId),",
    "...noticed(before, clientId),",
  ),
];
