import { bug, type PlantedBug } from "./bug.ts";

/** What a client keeps, owes and gives up. */
export const clientBugs: readonly PlantedBug[] = [
  bug(
    "the residual is committed at encoding",
    "client/ledger",
    "residual: residualBefore,\n    discarded: added",
    "discarded: added",
  ),
  bug(
    "a rollback is lost",
    "client/loop",
    "await keep(rolledBack(state, state.pending));",
    "await keep({ ...state, pending: null });",
  ),
  bug(
    "a rollback is applied twice",
    "client/ledger",
    "discarded: added(state.discarded, delta),",
    "discarded: added(added(state.discarded, delta), delta),",
  ),
  bug(
    "a report leaves before it is saved",
    "client/loop",
    "state = await keep(await trainRound(task, state, options, ports, bounded));",
    "state = await trainRound(task, state, options, ports, bounded);",
  ),
  bug(
    "an unknown verdict is taken for dropped",
    "client/loop",
    'if (outcome === "unknown" && canStillCount)',
    "if (false)",
  ),
  bug(
    "folded is taken for dropped",
    "client/loop",
    'if (outcome === "folded")\n        return committed(state, pending);',
    "",
  ),
  bug("what fades is lost", "client/ledger", "discarded: added(discarded, taken)", "discarded"),
  bug("what fades counts in full", "client/ledger", "vector.map((v) => v * share)", "vector"),
  bug(
    "arrays are saved in another order",
    "client/state",
    "[residual, discarded, pending?.residualBefore, pending?.delta]",
    "[pending?.residualBefore, discarded, residual, pending?.delta]",
  ),
  bug(
    "what exceeds the bound is lost",
    "compress/error-feedback",
    "minus(wanted, sent)",
    "minus(clamped, sent)",
  ),
  bug(
    "an untrained round's base is the newest version",
    "client/loop",
    "baseVersion: state.held.version,",
    "baseVersion: task.base.version + 1,",
  ),
];
