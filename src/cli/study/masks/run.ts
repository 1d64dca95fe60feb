import { type Config, parseConfig } from "../../../coordinator/config/config.ts";
import { mnist } from "../../../data/mnist.ts";
import { partition } from "../../../data/partition.ts";
import { splitHoldout } from "../../../data/split.ts";
import { subset } from "../../../model/dataset.ts";
import { WireError } from "../../../model/error.ts";
import { manifestOf } from "../../../model/manifest.ts";
import { evaluator } from "../../../pipeline/evaluate.ts";
import { federate } from "../../../simulation/federate.ts";
import type { Trainer } from "../../../trainer/trainer.ts";
import { initialParams } from "../../../trainer/zoo.ts";
import { type Cell, REGIMES, type Regime, RULES, randomMasks } from "./grid.ts";

/** What became of a run. */
export interface Run {
  /** After every round; shorter than the run when the training came to no numbers any more. */
  readonly accuracy: readonly number[];
  readonly ended: "done" | "no numbers";
}

/** Which digits are for what is the same for every seed, so that nothing is ever tuned on a test image. */
const SPLIT_SEED = 0;

const HOLDOUT = { test: 0.3, transfer: 0.3 };

/** One federation through the engine that `simulate` runs; the cell alone decides what comes out. */
export async function run(cell: Cell, trainer: Trainer, signal: AbortSignal): Promise<Run> {
  const { model, seed } = cell;
  const { density, owned }: Regime = REGIMES[cell.regime];
  const config = configOf(cell, density, owned.length);
  const whole = mnist();
  const split = splitHoldout(whole.labels, whole.numClasses, HOLDOUT, SPLIT_SEED);
  const train = subset(whole, split.train);
  const held = subset(whole, cell.split === "test" ? split.test : split.transfer);
  const shares = partition(train, owned.length, { dirichlet: 0.5 }, seed);
  const initial = initialParams(model, seed);
  const manifest = manifestOf(initial);
  const accuracy: number[] = [];
  const federation = federate(
    {
      config,
      runId: "study",
      initial,
      clients: shares.map((rows) => subset(train, rows)),
      trainer,
      evaluate: evaluator(trainer, model, held),
      emit: (event) => {
        if (event.type === "model.evaluated") accuracy.push(event.accuracy);
      },
      study: {
        denominator: RULES[cell.rule],
        masks: owned.map((share, i) => randomMasks(manifest, share, seed, i)),
      },
    },
    signal,
  );
  try {
    const { outcome } = await federation;
    signal.throwIfAborted();
    if (outcome.outcome !== "done") throw new Error(outcome.detail);
    return { accuracy, ended: "done" };
  } catch (error) {
    if (!isDivergence(error)) throw error;
    return { accuracy, ended: "no numbers" };
  }
}

const isDivergence = (error: unknown): boolean =>
  (error instanceof WireError && error.code === "not-finite") ||
  (error instanceof Error && error.message.startsWith("training diverged"));

/** The gates are off, so that the rules stand alone; the downlink is dense, so that only the uplink differs. */
function configOf(cell: Cell, density: number | null, clients: number): Config {
  const dense = { tensors: "*", codec: { values: "float32" } };
  const topK = { tensors: "*", codec: { select: { topK: density }, values: "ternary" }, errorFeedback: true };
  return parseConfig({
    seed: cell.seed,
    rounds: cell.rounds,
    clients,
    model: { zoo: cell.model },
    cohort: { goal: clients, overSelection: 1 },
    train: { batchSize: 64, optimizer: { sgd: { learningRate: 0.15 } } },
    uplink: [density === null ? dense : topK],
    downlink: [dense],
    aggregation: {
      serverOptimizer: { sgd: { learningRate: cell.serverRate } },
      gates: { normFactor: null },
    },
  });
}
