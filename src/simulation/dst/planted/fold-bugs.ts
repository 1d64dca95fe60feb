import { bug, type PlantedBug } from "./bug.ts";

/** What updates come to. */
export const foldBugs: readonly PlantedBug[] = [
  bug(
    "who does not own a coordinate counts there",
    "aggregation/tally",
    "if (mask === null && before === null)",
    "if (true)",
  ),
  bug(
    "moments of what nobody covered go on",
    "aggregation/server-optimizer",
    "const positions = covered.get(name) ?? null;",
    "const positions = null;",
  ),
  bug(
    "what a client weighs is not capped",
    "aggregation/weight",
    "Math.min(numExamples, cap) * WEIGHT_UNIT",
    "numExamples * WEIGHT_UNIT",
  ),
  bug(
    "stale reports count in full",
    "aggregation/weight",
    "(1 + standing.version - update.baseVersion) ** -exponent",
    "1",
  ),
  bug("long updates are not clipped", "aggregation/weight", "bound / normOf(update)", "1"),
  bug("an abandoned round's sums stay in the tally", "aggregation/tally", "sums?.clear();", ""),
  bug(
    "the grid is coarser than it should be",
    "aggregation/tally",
    "const PRODUCT_BITS = 51;",
    "const PRODUCT_BITS = 24;",
  ),
  bug(
    "a mean over numbers of clients",
    "aggregation/tally",
    "tally.total += weight;",
    "tally.total += 65536;",
  ),
  bug(
    "a report is folded twice",
    "coordinator/book/open-round",
    "addUpdate(open.tally, update, weight, Math.min(steps, most));",
    "{ addUpdate(open.tally, update, weight, Math.min(steps, most)); if (open.weights.size === 1) addUpdate(open.tally, update, { gain: 1, weight: 1 }, 0); }",
  ),
  bug(
    "robust folds forget the last update",
    "coordinator/book/open-round",
    "if (keepsReports) open.readings.push(reading);",
    "if (keepsReports && open.readings.length < 3) open.readings.push(reading);",
  ),
  bug(
    "the server's debt is not kept",
    "coordinator/book/model-step",
    "            residual,\n",
    "            residual: before.residual,\n",
  ),
  bug(
    "the server's moments are not kept",
    "coordinator/book/model-step",
    "optimizer: moments.map(",
    "optimizer: before.optimizer.map(",
  ),
  bug(
    "local steps are not counted",
    "aggregation/tally",
    "BigInt(weight) * BigInt(steps)",
    "BigInt(weight) * 256n",
  ),
  bug(
    "one delta of a chain is missing",
    "coordinator/book/chain",
    "const complete = wanted.length === to - Math.max(from, 0);",
    "const complete = wanted.length >= to - Math.max(from, 0) - 1;",
  ),
  bug(
    "nobody is brought up to date by deltas from what is held",
    "coordinator/book/chain",
    "const known = held !== null &&",
    "const known = false && held !== null &&",
  ),
  bug(
    "the cohort's control variate stays where it was",
    "coordinator/book/control-track",
    "control = next(control, tally, { before, after: total() });",
    "",
  ),
];
