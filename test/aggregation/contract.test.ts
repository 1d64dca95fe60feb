import {
  type AggregationSettings,
  aggregationStrategy,
  strategyNames,
} from "../../src/aggregation/strategy.ts";
import { addUpdate, emptyTally } from "../../src/aggregation/tally.ts";
import { MAX_WEIGHT } from "../../src/aggregation/weight.ts";
import { strategySuite } from "../suites/strategy.ts";
import { small } from "../suites/updates.ts";

const settings = (strategy: AggregationSettings["strategy"]): AggregationSettings => ({
  strategy,
  serverOptimizer: { sgd: { learningRate: 1, momentum: 0 } },
  weightCap: 2 ** 15,
  clipNorm: null,
  stalenessExponent: 0.5,
  fairness: 1,
  attackers: 0,
  centeredClipping: { radius: "auto", iterations: 1, cutoff: null },
  gates: { normFactor: null },
});
const train = { epochs: 1, batchSize: 1, optimizer: { sgd: { learningRate: 1, momentum: 0 } } } as const;
const standing = { version: 0, lastLoss: 1, usualNorm: 100 };
const grid = { exponents: [20, 20], weightBudget: 32 * MAX_WEIGHT };

/** The robust ones have a file of their own. */
for (const name of strategyNames) {
  const { weigh, fold } = aggregationStrategy(settings(name), train);
  if (fold.kind === "robust") continue;
  const isMean = name !== "q-fedavg";
  strategySuite(name, {
    combine: (updates) => {
      const tally = emptyTally(small, grid);
      for (const update of updates) addUpdate(tally, update, weigh(update, standing), 2 ** 8);
      return fold.mean(tally);
    },
    fewest: () => 1,
    averages: isMean,
    // on the grid of a round, and no finer
    scales: false,
    translates: isMean,
    bounded: null,
  });
}
