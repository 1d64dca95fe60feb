import { type Config, parseConfig } from "../../../coordinator/config/config.ts";
import { wireLimits } from "../../../coordinator/options.ts";
import { mnist } from "../../../data/mnist.ts";
import { partition } from "../../../data/partition.ts";
import { splitHoldout } from "../../../data/split.ts";
import { assert } from "../../../model/assert.ts";
import { subset } from "../../../model/dataset.ts";
import { WireError } from "../../../model/error.ts";
import { manifestOf, numParams } from "../../../model/manifest.ts";
import { evaluator } from "../../../pipeline/evaluate.ts";
import { federate } from "../../../simulation/federate.ts";
import { roundHistory } from "../../../simulation/history.ts";
import type { Trainer } from "../../../trainer/trainer.ts";
import { initialParams } from "../../../trainer/zoo.ts";
import { reachedAt } from "./figures.ts";
import { type Cell, REGIMES } from "./grid.ts";
import { golombRecount } from "./recount.ts";

/** What became of a run, round by round. */
export interface Run {
  readonly accuracy: readonly number[];
  /** Of all frames up to there, both ways, every client, version 0 and catch-up included. */
  readonly sent: readonly number[];
  /** The same, had positions been coded by Golomb and Rice alone; as sent, where they are coded by history. */
  readonly golomb: readonly number[];
  readonly ended: "done" | "no numbers";
}

/** Which digits are for what is the same for every seed, so that nothing is ever tuned on a test image. */
const SPLIT_SEED = 0;

const HOLDOUT = { test: 0.2, transfer: 0.15 };

/** One federation through the engine that `simulate` runs; the cell alone decides what comes out. */
export async function run(cell: Cell, trainer: Trainer, signal: AbortSignal): Promise<Run> {
  const { model, seed, target } = cell;
  const { clients } = REGIMES[cell.regime];
  const config = configOf(cell);
  const whole = mnist();
  const split = splitHoldout(whole.labels, whole.numClasses, HOLDOUT, SPLIT_SEED);
  const train = subset(whole, split.train);
  const held = subset(whole, cell.split === "test" ? split.test : split.transfer);
  const initial = initialParams(model, seed);
  const history = roundHistory();
  const accuracy: number[] = [];
  const golomb: number[] = [];
  const recount = golombRecount(numParams(manifestOf(initial)), wireLimits(config));
  const reached = new AbortController();
  let more = 0;
  let passed = 0;
  let sequence = 0;
  const result = (ended: Run["ended"]): Run => {
    const sent = history.rounds().map(({ bytes }) => bytes.total);
    return {
      accuracy,
      sent: sent.slice(0, accuracy.length),
      golomb: golomb.slice(0, accuracy.length),
      ended,
    };
  };
  try {
    const { coordinator, outcome } = await federate(
      {
        config,
        runId: "study",
        initial,
        clients: partition(train, clients, { dirichlet: 0.5 }, seed).map((rows) => subset(train, rows)),
        trainer,
        evaluate: evaluator(trainer, model, held),
        emit: (event, atMs) => {
          history.sink.emit({ runId: "study", sequence: ++sequence, atMs, event });
          if (event.type === "round.committed") golomb.push(event.bytes.total + more);
          if (event.type !== "model.evaluated") return;
          accuracy.push(event.accuracy);
          if (target !== null && reachedAt(accuracy, target) !== null) reached.abort(new Error("reached"));
        },
        tap: (frame) => {
          passed += frame.length;
          if (!cell.sending.history) more += recount(frame);
        },
      },
      AbortSignal.any([signal, reached.signal]),
    );
    signal.throwIfAborted();
    if (outcome.outcome !== "done" && !reached.signal.aborted) throw new Error(outcome.detail);
    const { total } = coordinator.bytes.totals();
    assert(
      passed === total || reached.signal.aborted,
      `the link carried ${passed} bytes, counted were ${total}`,
    );
    return result("done");
  } catch (error) {
    if (reached.signal.aborted && error === reached.signal.reason) return result("done");
    if (!isDivergence(error)) throw error;
    return result("no numbers");
  }
}

const isDivergence = (error: unknown): boolean =>
  (error instanceof WireError && error.code === "not-finite") ||
  (error instanceof Error && error.message.startsWith("training diverged"));

/** The gates are off: a client that a raised rate makes loud is no attacker. */
function configOf({ regime, training, sending, seed, rounds, model }: Cell): Config {
  const { clients, cohort } = REGIMES[regime];
  const { epochs, batchSize, learningRate, momentum, serverRate } = training;
  const rule = (density: number | null) =>
    density === null
      ? { tensors: "*", codec: { values: "float32" } }
      : {
          tensors: "*",
          codec: {
            select: { topK: density, ...(sending.byRate && { rateDistortion: true }) },
            values: sending.levels ? { levels: "auto" } : "ternary",
          },
          errorFeedback: true,
          ...(sending.history && { history: true }),
        };
  return parseConfig({
    seed,
    rounds,
    clients,
    model: { zoo: model },
    cohort: { goal: cohort, overSelection: 1 },
    train: { epochs, batchSize, optimizer: { sgd: { learningRate, momentum } } },
    uplink: [rule(sending.up)],
    downlink: [rule(sending.down)],
    aggregation: {
      serverOptimizer: { sgd: { learningRate: serverRate } },
      gates: { normFactor: null },
    },
  });
}
