import { bug, type PlantedBug } from "./bug.ts";

/** What both ends know of the broadcasts, and must know alike. */
export const historyBugs: readonly PlantedBug[] = [
  bug(
    "an abandoned round goes into the history",
    "coordinator/book/book",
    'if (outcome === "commit") commit(closing);',
    'if (outcome === "commit") commit(closing); else histories?.follow({ ...histories.newest(), digest: histories.newest().digest ^ 1 });',
  ),
  bug(
    "what comes up goes into the history",
    "coordinator/book/book",
    "gather(open, checked,",
    "histories?.follow({ ...histories.newest(), digest: (histories.newest().digest + checked.update.numSteps) >>> 0 }); gather(open, checked,",
  ),
  bug(
    "after a restart the history begins anew",
    "coordinator/book/book",
    "openHistories(before.histories,",
    "openHistories(before.histories.map(({ version }) => ({ ...first.histories[0], version })),",
  ),
  bug(
    "late reports are read by the newest history",
    "coordinator/book/book",
    "histories?.of(expected.baseVersion) ?? null",
    "histories?.newest() ?? null",
  ),
  bug(
    "the history that goes down is that of an earlier version",
    "coordinator/book/histories",
    "slice(-kept); frame = null;",
    "slice(-kept);",
  ),
  bug(
    "a mismatch is accepted",
    "compress/positions/history",
    "prior === null || prior.digest !== digest",
    "prior === null",
  ),
  bug(
    "a mismatch is written down",
    "coordinator/sessions/reports",
    "if (!mayRecode(desk, clientId, id, error.code)) turnAway",
    "turnAway",
  ),
  bug(
    "a mismatch is taken for a refusal",
    "client/loop",
    'refusal.code === "prior-mismatch" && pending.plain !== null',
    "false",
  ),
  bug(
    "a history that was another is kept",
    "client/ledger",
    "held: { ...state.held, history: null },",
    "held: state.held,",
  ),
  bug(
    "a delta is not folded into the client's history",
    "client/model-chain",
    "from.history && foldHistory(from.history, sent)",
    "from.history",
  ),
  bug(
    "the history that was saved first is saved with every model",
    "client/state",
    "held.history && writeHistory(held.history)",
    "held.history && (encodeState.first ??= writeHistory(held.history))",
  ),
];
