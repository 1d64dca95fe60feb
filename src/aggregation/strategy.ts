import { localSteps, rateOf } from "../model/local-steps.ts";
import type { TrainSettings } from "../model/protocol.ts";
import type { Aggregate } from "./aggregate.ts";
import { meanControl, type NextControl } from "./control.ts";
import type { GateSettings } from "./gates.ts";
import { type Denominator, means, stepsTimesMean } from "./mean.ts";
import { bulyan } from "./robust/bulyan.ts";
import { type CenteredClippingSettings, centeredClipping } from "./robust/centered-clipping.ts";
import { geometricMedian } from "./robust/geometric-median.ts";
import { krum, multiKrum } from "./robust/krum.ts";
import { coordinateMedian } from "./robust/median.ts";
import type { RobustRule } from "./robust/rule.ts";
import { trimmedMean } from "./robust/trimmed-mean.ts";
import { type ServerOptimizer, type ServerOptimizerSettings, serverOptimizer } from "./server-optimizer.ts";
import type { Tally } from "./tally.ts";
import { boundedByMedian, byExamples, clipped, discounted, fair, type Weigh } from "./weight.ts";

/** How updates become one: what each counts for, what they come to, and the step that the model then takes. */
export interface AggregationStrategy {
  readonly weigh: Weigh;
  readonly fold: Fold;
  readonly optimizer: ServerOptimizer;
  /** How the control variate that goes down beside the model follows; null where there is none. */
  readonly control: NextControl | null;
}

/**
 * A linear fold takes updates as they come into a tally, in memory for one model; tallies merge. A robust one looks at all
 * updates of a round together, so that they are kept until it closes, and nothing of it merges.
 */
export type Fold =
  | {
      readonly kind: "linear";
      readonly mean: (tally: Tally) => Aggregate;
      /** Whether it needs a tally that counts them. */
      readonly countsSenders: boolean;
    }
  | { readonly kind: "robust"; readonly rule: RobustRule };

/** All of it spelt out: a run's contract, which its journal is bound to. */
export interface AggregationSettings {
  readonly strategy: StrategyName;
  readonly serverOptimizer: ServerOptimizerSettings;
  /** Training examples of one client that count, at most; 1 to 2^15. */
  readonly weightCap: number;
  /** Updates of a larger norm, over all tensors, count as if they had this one; null: all as they are. */
  readonly clipNorm: number | null;
  /** What a report from an older model counts falls off as (1 + versions)^-this. */
  readonly stalenessExponent: number;
  /** q of q-FedAvg. */
  readonly fairness: number;
  /** How many of a round's updates may be hostile: what robust strategies are built for. */
  readonly attackers: number;
  readonly centeredClipping: CenteredClippingSettings;
  readonly gates: GateSettings;
  /** What a plain mean divides by; a study's, for comparison only. Default: owners. */
  readonly denominator?: Denominator;
}

/** Settings of a config's `cohort`. */
interface CohortPreset {
  readonly goal?: number;
  readonly minimum?: number;
  readonly concurrency: number;
  readonly maxStaleness: number;
}

/** What a name stands for: settings that it brings, and how it weighs and folds. */
interface Preset {
  /** Instead of a plain step of the mean. */
  readonly serverOptimizer?: ServerOptimizerSettings;
  /** How its reports are gathered, where a config says nothing else. */
  readonly cohort?: CohortPreset;
  /** What clients do for it. */
  readonly train?: Pick<TrainSettings, "proximal" | "perStep" | "controlVariates">;
  readonly weigh?: (settings: AggregationSettings, train: TrainSettings) => Weigh;
  readonly mean?: (tally: Tally) => Aggregate;
  readonly control?: (learningRate: number) => NextControl;
  /** Instead of a mean. */
  readonly robust?: (settings: Pick<AggregationSettings, "centeredClipping">) => RobustRule;
}

const adaptive = { learningRate: 0.03, beta1: 0.9, beta2: 0.99, epsilon: 1e-3 };

/** Every strategy by the name that it has in a config; docs/strategies.md has their papers and when to use them. */
const PRESETS = {
  fedavg: {},
  fedavgm: { serverOptimizer: { sgd: { learningRate: 0.1, momentum: 0.9 } } },
  fedadam: { serverOptimizer: { adam: adaptive } },
  fedyogi: { serverOptimizer: { yogi: adaptive } },
  fedadagrad: { serverOptimizer: { adagrad: { learningRate: 0.03, beta1: 0, epsilon: 1e-3 } } },
  fedprox: { train: { proximal: 0.01 } },
  fednova: { train: { perStep: true }, mean: stepsTimesMean },
  scaffold: {
    train: { perStep: true, controlVariates: true },
    mean: stepsTimesMean,
    control: meanControl,
  },
  fedbuff: { cohort: { minimum: 1, concurrency: 20, maxStaleness: 20 } },
  fedasync: {
    cohort: { goal: 1, minimum: 1, concurrency: 10, maxStaleness: 100 },
    serverOptimizer: { sgd: { learningRate: 0.3, momentum: 0 } },
  },
  "q-fedavg": {
    weigh: ({ fairness }, train) => fair(fairness, (numSteps) => rateOf(train) * localSteps(train, numSteps)),
  },
  "norm-bounding": { weigh: ({ weightCap }) => boundedByMedian(byExamples(weightCap)) },
  median: { robust: () => coordinateMedian },
  "trimmed-mean": { robust: () => trimmedMean },
  krum: { robust: () => krum },
  "multi-krum": { robust: () => multiKrum },
  bulyan: { robust: () => bulyan },
  "geometric-median": { robust: () => geometricMedian },
  "centered-clipping": { robust: ({ centeredClipping: settings }) => centeredClipping(settings) },
} satisfies { readonly [name: string]: Preset };

export type StrategyName = keyof typeof PRESETS;

export const strategyNames = Object.keys(PRESETS) as [StrategyName, ...StrategyName[]];

const presetOf = (name: StrategyName): Preset => PRESETS[name];

const PLAIN: ServerOptimizerSettings = { sgd: { learningRate: 1, momentum: 0 } };

/** The server optimizer that a strategy brings along. */
export const optimizerOf = (name: StrategyName): ServerOptimizerSettings =>
  presetOf(name).serverOptimizer ?? PLAIN;

/** How a strategy gathers reports, where that is part of it. */
export const cohortOf = (name: StrategyName): CohortPreset | undefined => presetOf(name).cohort;

/** The clients' training under a strategy: what it brings along, unless the config says otherwise. */
export const trainedFor = (name: StrategyName, train: TrainSettings): TrainSettings => ({
  ...presetOf(name).train,
  ...train,
});

/** Null for a strategy that is not robust. */
export const robustRule = (
  settings: Pick<AggregationSettings, "strategy" | "centeredClipping">,
): RobustRule | null => presetOf(settings.strategy).robust?.(settings) ?? null;

export function aggregationStrategy(
  settings: AggregationSettings,
  train: TrainSettings,
): AggregationStrategy {
  const preset = presetOf(settings.strategy);
  const { clipNorm, stalenessExponent, denominator = "owners" } = settings;
  const { weigh = ({ weightCap }) => byExamples(weightCap), mean = means[denominator] } = preset;
  const rule = robustRule(settings);
  const fresh = discounted(weigh(settings, train), stalenessExponent);
  return {
    weigh: clipNorm === null ? fresh : clipped(fresh, clipNorm),
    fold:
      rule === null
        ? { kind: "linear", mean, countsSenders: denominator === "senders" }
        : { kind: "robust", rule },
    optimizer: serverOptimizer(settings.serverOptimizer),
    control: preset.control?.(rateOf(train)) ?? null,
  };
}
