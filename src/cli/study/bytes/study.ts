import type { Cache } from "../cache.ts";
import type { RunMissing } from "../missing.ts";
import { mean } from "../statistics.ts";
import { bytesTo, plateauOf, reachedAt } from "./figures.ts";
import {
  type Cell,
  DENSE,
  type Grids,
  type Ours,
  type RegimeName,
  type Sending,
  STAGES,
  type Stage,
  type Training,
} from "./grid.ts";
import type { Run } from "./run.ts";

export interface StudySettings {
  readonly regimes: readonly RegimeName[];
  readonly numSeeds: number;
  readonly model: string;
  /** Of dense runs, whose end is the plateau. */
  readonly denseRounds: number;
  /** That ours may take. */
  readonly ourRounds: number;
  readonly grids: Grids;
}

/** One regime's results; of all lists one entry a test seed. */
export interface Result {
  readonly regime: RegimeName;
  /** The dense training of the highest plateau, and the one that reached half a point less of it with the fewest bytes. */
  readonly best: Training;
  readonly cheapest: Training;
  readonly ours: Ours;
  /** Trainings that were tried. */
  readonly tried: { readonly dense: number; readonly ours: number };
  /** Accuracy at the end of the best dense run, on the test split. */
  readonly plateau: readonly number[];
  /** Bytes of the cheaper of both dense runs to the target. */
  readonly dense: readonly Figure[];
  readonly stages: readonly {
    readonly name: string;
    readonly serverRate: number;
    readonly runs: readonly Figure[];
  }[];
}

/** Bytes, both ways, and rounds to the target; null when it was not reached. */
export type Figure = { readonly bytes: number; readonly rounds: number } | null;

/** Test seeds count from here, tuning seeds from 1. */
const FIRST_SEED = 101;

/** All that is tuned is tried with the first, and the best of it with all. */
const TUNING_SEEDS = [1, 2] as const;
const FINALISTS = 6;

/** Ours are tuned as both ends send plainly: what codes positions by history, after it, changes no accuracy. */
const TUNED_AT = STAGES[2];

/** Bytes that a miss counts for in the tuning, less where it comes nearer: more than any run sends. */
const MISS = 1e18;

/** Half a point below the plateau. */
const MARGIN = 0.005;

/**
 * Dense federated averaging is tuned first, on validation digits and seeds of its own: its plateau sets the target. Ours
 * are tuned to the same target, then all stages run on the test seeds against targets of their own, half a point below
 * what dense comes to there.
 */
export async function study(
  settings: StudySettings,
  cache: Pick<Cache<Cell, Run>, "get">,
  runMissing: RunMissing<Cell>,
): Promise<readonly Result[]> {
  const runOf = (cell: Cell): Run => cache.get(cell)!;
  const tuned = [];
  for (const regime of settings.regimes) {
    const at = cellsIn(settings, regime);
    const dense = await tunedDense(settings.grids, at, runOf, runMissing);
    const ours = await tunedOurs(settings.grids, at, dense, runOf, runMissing);
    tuned.push({ regime, at, ...dense, ...ours });
  }
  const results = [];
  for (const { at, ...found } of tuned) results.push(await tested(settings, at, found, runOf, runMissing));
  return results;
}

type CellOf = (
  training: Training,
  sending: Sending,
  seed: number,
  target: number | null,
  split?: Cell["split"],
) => Cell;

const cellsIn =
  ({ model, denseRounds, ourRounds }: StudySettings, regime: RegimeName): CellOf =>
  (training, sending, seed, target, split = "validation") => {
    const rounds = sending === DENSE ? denseRounds : ourRounds;
    return { regime, training, sending, seed, split, model, rounds, target };
  };

async function tunedDense(
  { dense: grid }: Grids,
  at: CellOf,
  runOf: (cell: Cell) => Run,
  runMissing: RunMissing<Cell>,
) {
  const runsOf = (training: Training, seeds: readonly number[]) =>
    seeds.map((seed) => at(training, DENSE, seed, null));
  const [first] = TUNING_SEEDS;
  await runMissing(grid.flatMap((training) => runsOf(training, [first])));
  const plateau = (training: Training, seeds: readonly number[]): number =>
    mean(runsOf(training, seeds).map((cell) => plateauOf(runOf(cell))));
  const bytes = (training: Training, target: number, seeds: readonly number[]): number =>
    mean(runsOf(training, seeds).map((cell) => bytesTo(runOf(cell), target, "sent")));
  const highest = Math.max(...grid.map((training) => plateau(training, [first])));
  const finalists = new Set([
    ...leastBy(grid, (training) => -plateau(training, [first])).slice(0, FINALISTS),
    ...leastBy(grid, (training) => bytes(training, highest - MARGIN, [first])).slice(0, FINALISTS),
  ]);
  await runMissing([...finalists].flatMap((training) => runsOf(training, TUNING_SEEDS)));
  const best = leastBy([...finalists], (training) => -plateau(training, TUNING_SEEDS))[0]!;
  const target = plateau(best, TUNING_SEEDS) - MARGIN;
  const cheapest = leastBy([...finalists], (training) => bytes(training, target, TUNING_SEEDS))[0]!;
  return { best, cheapest, target };
}

async function tunedOurs(
  grids: Grids,
  at: CellOf,
  { cheapest, target }: { readonly cheapest: Training; readonly target: number },
  runOf: (cell: Cell) => Run,
  runMissing: RunMissing<Cell>,
) {
  const { sending, count } = TUNED_AT;
  const cellsOf = ({ training, density }: Ours, seeds: readonly number[]) =>
    seeds.map((seed) => at(training, sending(density), seed, target));
  const score = (ours: Ours, seeds: readonly number[]): number =>
    mean(
      cellsOf(ours, seeds).map((cell) => {
        const bytes = bytesTo(runOf(cell), target, count);
        return bytes === Infinity ? MISS * (1 - plateauOf(runOf(cell))) : bytes;
      }),
    );
  const grid = grids.ours(cheapest.batchSize);
  const [first] = TUNING_SEEDS;
  await runMissing(grid.flatMap((ours) => cellsOf(ours, [first])));
  const finalists = leastBy(grid, (ours) => score(ours, [first])).slice(0, FINALISTS);
  await runMissing(finalists.flatMap((ours) => cellsOf(ours, TUNING_SEEDS)));
  const ours = leastBy(finalists, (one) => score(one, TUNING_SEEDS))[0]!;
  return { ours, tried: { dense: grids.dense.length, ours: grid.length } };
}

type Found = Pick<Result, "regime" | "best" | "cheapest" | "ours" | "tried">;

async function tested(
  { numSeeds }: StudySettings,
  at: CellOf,
  found: Found,
  runOf: (cell: Cell) => Run,
  runMissing: RunMissing<Cell>,
): Promise<Result> {
  const { best, cheapest, ours } = found;
  const seeds = Array.from({ length: numSeeds }, (_, i) => FIRST_SEED + i);
  const denseOf = (training: Training, seed: number) => at(training, DENSE, seed, null, "test");
  const denseCells = seeds.flatMap((seed) => [denseOf(best, seed), denseOf(cheapest, seed)]);
  await runMissing([...new Map(denseCells.map((cell) => [JSON.stringify(cell), cell])).values()]);
  const plateau = seeds.map((seed) => plateauOf(runOf(denseOf(best, seed))));
  const targets = plateau.map((accuracy) => accuracy - MARGIN);
  const stages = STAGES.map((stage: Stage) => {
    const rate = stage.tunedServerRate ? ours.training.serverRate : 1;
    const cells = seeds.map((seed, i) =>
      at({ ...ours.training, serverRate: rate }, stage.sending(ours.density), seed, targets[i]!, "test"),
    );
    return { stage, rate, cells };
  });
  const cells = stages.flatMap((stage) => stage.cells);
  await runMissing([...new Map(cells.map((cell) => [JSON.stringify(cell), cell])).values()]);
  return {
    ...found,
    plateau,
    dense: seeds.map((seed, i) => {
      const figures = [best, cheapest].map((training) =>
        figureOf(runOf(denseOf(training, seed)), targets[i]!, "sent"),
      );
      return figures.reduce((a, b) => ((b?.bytes ?? Infinity) < (a?.bytes ?? Infinity) ? b : a));
    }),
    stages: stages.map(({ stage, rate, cells: own }) => ({
      name: stage.name,
      serverRate: rate,
      runs: own.map((cell, i) => figureOf(runOf(cell), targets[i]!, stage.count)),
    })),
  };
}

function figureOf(run: Run, target: number, count: Stage["count"]): Figure {
  const round = reachedAt(run.accuracy, target);
  return round === null ? null : { bytes: run[count][round]!, rounds: round + 1 };
}

const leastBy = <T>(all: readonly T[], cost: (one: T) => number): readonly T[] =>
  all
    .map((one) => [one, cost(one)] as const)
    .sort(([, a], [, b]) => (a === b ? 0 : a - b))
    .map(([one]) => one);
