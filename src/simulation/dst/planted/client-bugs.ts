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
  bug("a state that was read is not made durable", "client/disk-store", "await disk.flush(STATE_FILE);", ""),
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
  bug(
    "a model that is caught up with is another than its name",
    "client/loop",
    "runId: task.runId, held, masks,",
    "runId: task.runId, held: { ...held, params: state?.held.params ?? held.params }, masks,",
  ),
  bug(
    "what is owed is given up before every round",
    "client/ledger",
    "const share = beyond === 0 ? 1 : decay.factor ** beyond;",
    "const share = 0;",
  ),
  bug(
    "half of what is never owed is sent",
    "compress/error-feedback",
    "vector: clamped(wanted, bound),",
    "vector: owed === null ? clamped(wanted, bound).map((v) => v / 2) : clamped(wanted, bound),",
  ),
  bug(
    "every client says that it has one example",
    "client/train-round",
    "numExamples: weightOf(dataset),",
    "numExamples: 1,",
  ),
  bug(
    "a client's control variate stays where it was",
    "client/ledger",
    "own: ownControl ?? state.controls.own",
    "own: state.controls.own",
  ),
  bug(
    "what is owed fades from the first round that is missed",
    "client/ledger",
    "Math.max(0, roundsMissed - decay.afterRounds)",
    "roundsMissed",
  ),
  bug(
    "a client's control variate forgets the cohort's",
    "client/control",
    "return data.map((d, j) => -c[j] - d / learningRate);",
    "return data.map((d) => -d / learningRate);",
  ),
];
