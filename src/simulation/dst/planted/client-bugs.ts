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
    "await keep(rolledBack(before, pending));",
    "await keep({ ...before, pending: null });",
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
    "return await store.save(state);",
    "return void store.save(state).catch(() => {});",
  ),
  bug(
    "a state that was read is not made durable",
    "client/disk-store",
    "await disk.append(STATE_FILE, new Uint8Array());",
    "",
  ),
  bug(
    "folded is taken for dropped",
    "client/loop",
    'if (outcome === "folded")\n        return committed(state, pending);',
    "",
  ),
  bug("what fades is lost", "client/ledger", "discarded: added(discarded, taken)", "discarded"),
  bug(
    "arrays are saved in another order",
    "client/state",
    "[residual, discarded, pending?.residualBefore, pending?.delta]",
    "[pending?.residualBefore, discarded, residual, pending?.delta]",
  ),
  bug(
    "an untrained round's base is the newest version",
    "client/train-round",
    "baseVersion: state.held.version,",
    "baseVersion: task.base.version + 1,",
  ),
];
