import type { Cache } from "../cache.ts";
import type { RunMissing } from "../missing.ts";
import { mean } from "../statistics.ts";
import { finalOf, isDiverged } from "./figures.ts";
import { type Cell, type RegimeName, type Rule, ruleNames, runAs } from "./grid.ts";
import type { Run } from "./run.ts";

export interface StudySettings {
  readonly regimes: readonly RegimeName[];
  /** One grid for all rules; 1 is run in any case. */
  readonly serverRates: readonly number[];
  readonly numSeeds: number;
  readonly numTuningSeeds: number;
  readonly model: string;
  readonly rounds: number;
}

/** One rule in one regime. */
export interface Row {
  readonly regime: RegimeName;
  readonly rule: Rule;
  /** The server rate of most validation accuracy, and that accuracy at every rate. */
  readonly bestRate: number;
  readonly tuning: readonly { readonly serverRate: number; readonly accuracy: number }[];
  /** On the test split, seed by seed. */
  readonly accuracy: readonly number[];
  readonly accuracyAtOne: readonly number[];
  /** Of all of the row's runs, tuning included; by server rate. */
  readonly diverged: readonly { readonly serverRate: number; readonly runs: number; readonly of: number }[];
}

/** Test seeds count from here, tuning seeds from 1. */
const FIRST_SEED = 101;

/** Ours must not diverge up to there. */
export const STEADY_UP_TO = 4;

/**
 * First every rule's server rate is tuned, on seeds of its own and validation digits; then the rate found and rate 1 run
 * on the test seeds, and ours at the largest that it must stand.
 */
export async function study(
  settings: StudySettings,
  cache: Pick<Cache<Cell, Run>, "get">,
  runMissing: RunMissing<Cell>,
): Promise<readonly Row[]> {
  const { regimes, serverRates } = settings;
  const pairs = regimes.flatMap((regime) => ruleNames.map((rule) => ({ regime, rule })));
  const tuningOf = (pair: Pair) => serverRates.flatMap((rate) => cellsOf(settings, pair, rate, "validation"));
  await runMissing(distinct(pairs.flatMap(tuningOf)));

  const finalsOf = (cells: readonly Cell[]) => cells.map((cell) => finalOf(cache.get(cell)!));
  const tuned = pairs.map((pair) => {
    const tuning = serverRates.map((serverRate) => ({
      serverRate,
      accuracy: mean(finalsOf(cellsOf(settings, pair, serverRate, "validation"))),
    }));
    const best = tuning.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
    return { ...pair, tuning, bestRate: best.serverRate };
  });
  const steady = Math.max(1, ...serverRates.filter((rate) => rate <= STEADY_UP_TO));
  const testRates = ({ rule, bestRate }: { rule: Rule; bestRate: number }) => [
    ...new Set([bestRate, 1, ...(rule === "senders-over-owners" ? [steady] : [])]),
  ];
  // what matters most comes first: a study that is cut short has it
  const inTurn = [0, 1, 2].flatMap((turn) =>
    tuned.flatMap((pair) => {
      const rate = testRates(pair)[turn];
      return rate === undefined ? [] : cellsOf(settings, pair, rate, "test");
    }),
  );
  await runMissing(distinct(inTurn));

  return tuned.map((pair): Row => {
    const cells = [
      ...tuningOf(pair),
      ...testRates(pair).flatMap((rate) => cellsOf(settings, pair, rate, "test")),
    ];
    return {
      ...pair,
      accuracy: finalsOf(cellsOf(settings, pair, pair.bestRate, "test")),
      accuracyAtOne: finalsOf(cellsOf(settings, pair, 1, "test")),
      diverged: divergedOf(cells, pair.bestRate, (cell) => cache.get(cell)!),
    };
  });
}

interface Pair {
  readonly regime: RegimeName;
  readonly rule: Rule;
}

function cellsOf(
  { numSeeds, numTuningSeeds, model, rounds }: StudySettings,
  { regime, rule }: Pair,
  serverRate: number,
  split: Cell["split"],
): readonly Cell[] {
  const [first, count] = split === "test" ? [FIRST_SEED, numSeeds] : [1, numTuningSeeds];
  return Array.from({ length: count }, (_, i) => {
    return { regime, rule: runAs(regime, rule), serverRate, seed: first + i, split, model, rounds };
  });
}

function distinct(cells: readonly Cell[]): readonly Cell[] {
  return [...new Map(cells.map((cell) => [JSON.stringify(cell), cell])).values()];
}

function divergedOf(cells: readonly Cell[], bestRate: number, runOf: (cell: Cell) => Run): Row["diverged"] {
  const isLost = (cell: Cell): boolean =>
    isDiverged(runOf(cell), cell.serverRate > bestRate ? runOf({ ...cell, serverRate: bestRate }) : null);
  const rates = [...new Set(cells.map(({ serverRate }) => serverRate))].sort((a, b) => a - b);
  return rates.map((serverRate) => {
    const at = cells.filter((cell) => cell.serverRate === serverRate);
    return { serverRate, runs: at.filter(isLost).length, of: at.length };
  });
}
