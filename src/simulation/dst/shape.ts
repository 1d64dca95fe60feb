import { type Config, parseConfig } from "../../coordinator/config/config.ts";
import { derive, type Rng } from "../../model/rng.ts";
import type { SubModel } from "../../model/submodel.ts";
import type { Params } from "../../model/tensor.ts";
import { layerTensors } from "../../trainer/layers.ts";
import { subModels } from "../../trainer/submodels.ts";
import { architecture } from "../../trainer/zoo.ts";

/** What one simulated run is like: its config, its model and its devices, all drawn from the seed. */
export interface Shape {
  readonly config: Config;
  readonly initial: Params;
  readonly clients: readonly ClientShape[];
  /** The config's widths; none where everybody has the whole model. */
  readonly subModels: readonly SubModel[];
  /** Clients that send what they should not. */
  readonly numHostile: number;
  /** Records above this go into files of their own. */
  readonly blobBytes: number;
  /** When the world heals. */
  readonly healMs: number;
}

export interface ClientShape {
  /** Of the part that it has the memory for, and no more. */
  readonly width: number;
  readonly numExamples: number;
  readonly msPerStep: number;
  /** Its clock's rate beside true time. */
  readonly clockRate: number;
}

const LINEAR = [
  "fedavg",
  "fedavgm",
  "fedadam",
  "fedprox",
  "fednova",
  "scaffold",
  "fedbuff",
  "fedasync",
] as const;
const ROBUST = ["median", "trimmed-mean", "krum", "multi-krum"] as const;

export function drawShape(seed: number): Shape {
  const rng = derive(seed, "shape");
  const isRobust = rng.below(4) === 0;
  const strategy = isRobust ? pick(rng, ROBUST) : pick(rng, LINEAR);
  const isBuffered = strategy === "fedbuff" || strategy === "fedasync";
  const attackers = isRobust ? rng.below(2) : 0;
  const fewest = isRobust ? 2 * attackers + (strategy.endsWith("krum") ? 3 : 1) : 1;
  const goal = strategy === "fedasync" ? 1 : fewest + rng.below(4);
  const minimum = fewest + rng.below(goal - fewest + 1);
  const isFresh = isRobust || strategy === "scaffold";
  const maxStaleness = isBuffered ? 1 + rng.below(4) : isFresh || rng.below(2) === 0 ? 0 : 1 + rng.below(3);
  const small = drawModel(rng);
  const widths = isRobust || isBuffered || strategy === "scaffold" ? [1] : drawWidths(seed);
  const history = widths.length > 1 ? null : drawHistory(seed);
  const initial = widths.length > 1 ? drawZooModel(derive(seed, "zoo model")) : (history?.initial ?? small);
  const numClients = Math.max(2, minimum, goal + rng.below(4));
  const plans = widths.length > 1 ? anyModelsPlans() : PLANS;
  const plan = (): readonly unknown[] => pick(rng, plans)(rng, small.get("dense/kernel")!.shape);
  const config = parseConfig({
    name: "dst",
    seed: rng.below(1000),
    rounds: 1 + rng.below(6) + (history === null ? 0 : 4),
    clients: numClients,
    model: { zoo: widths.length > 1 ? ZOO : "softmax-regression" },
    widths,
    cohort: {
      goal,
      minimum,
      overSelection: rng.below(2) === 0 ? "auto" : 1 + rng.uniform(),
      selectionDeadline: 500 + rng.below(10_000),
      reportDeadline: 5000 + rng.below(40_000),
      maxAbandoned: 1_000_000,
      maxStaleness,
      ...(isBuffered && { concurrency: goal + rng.below(3) }),
    },
    train: {
      epochs: 1 + rng.below(3),
      batchSize: 1 + rng.below(16),
      optimizer: { sgd: { learningRate: 0.05, momentum: rng.below(2) === 0 ? 0 : 0.9 } },
      ...(rng.below(4) === 0 && { residualDecay: { afterRounds: rng.below(3), factor: 0.5 } }),
    },
    coordinator: {
      journal: {
        snapshotEvery: 1 + rng.below(4),
        segmentBytes: 4096 + rng.below(8192),
        keep: pick(rng, ["needed", "all"]),
      },
      lease: 10_000 + rng.below(80_000),
    },
    uplink: history?.uplink ?? plan(),
    downlink: history?.downlink ?? plan(),
    aggregation: {
      strategy,
      attackers,
      weightCap: rng.below(2) === 0 ? 2 ** 15 : 1 + rng.below(30),
      ...(!isRobust &&
        strategy !== "scaffold" &&
        rng.below(4) === 0 && { clipNorm: 0.05 + 0.3 * rng.uniform() }),
      gates: { normFactor: rng.below(3) === 0 ? null : drawFactor(seed) },
      ...(isBuffered && strategy === "fedbuff" && rng.below(2) === 0 && { stalenessExponent: 1 }),
    },
  });
  return {
    config,
    initial,
    clients: Array.from({ length: numClients }, (_, i) => ({
      ...drawClient(rng, config, i < fewestOf(config)),
      width: widths[derive(seed, "width", i).below(widths.length)]!,
    })),
    subModels: subModels(config.model.zoo, widths, config.train.batchSize),
    numHostile: rng.below(2) === 0 ? 1 + rng.below(2) : 0,
    blobBytes: rng.below(2) === 0 ? 2 ** 18 : 150 + rng.below(200),
    healMs: 20_000 + rng.below(240_000),
  };
}

/** As many must be in time as a round needs; the others may be too slow for it. */
const fewestOf = ({ cohort }: Config): number => cohort.minimum ?? cohort.goal;

function drawClient(rng: Rng, { train, cohort }: Config, isInTime: boolean): Omit<ClientShape, "width"> {
  const numExamples = 1 + rng.below(40);
  const numSteps = train.epochs * Math.ceil(numExamples / train.batchSize);
  const most = isInTime ? cohort.reportDeadline / 4 / numSteps : 1000;
  return {
    numExamples,
    msPerStep: Math.min(most, 2 ** (10 * rng.uniform())),
    clockRate: 0.8 + 0.4 * rng.uniform(),
  };
}

/** Half of the gates are so tight that long updates in order are turned away too. Of a stream of its own. */
const drawFactor = (seed: number): number => (derive(seed, "gate").below(2) === 0 ? 10 : 2);

function drawModel(rng: Rng): Params {
  const [inputs, units] = [2 + rng.below(8), 2 + rng.below(6)];
  const tensor = (shape: readonly number[]) => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * rng.uniform() - 1),
  });
  return new Map([
    ["dense/kernel", tensor([inputs, units])],
    ["dense/bias", tensor([units])],
    ["scale", tensor([1 + rng.below(4)])],
  ]);
}

/** In one of five runs that may have them, the whole model and one or two narrower ones. */
function drawWidths(seed: number): readonly number[] {
  const rng = derive(seed, "widths");
  if (rng.below(5) > 0) return [1];
  return rng.below(2) === 0 ? [1, pick(rng, [0.05, 0.25])] : [1, 0.5, 0.1];
}

/** A small one that has layers to cut. */
const ZOO = "tabular-mlp-in2-out2";

const drawZooModel = (rng: Rng): Params =>
  new Map(
    layerTensors(architecture(ZOO)).map(({ name, shape }) => {
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map(() => 2 * rng.uniform() - 1);
      return [name, { shape, data }];
    }),
  );

/**
 * A fifth of the runs have history one way or both, on a model that is large enough for it to be used, which takes
 * much longer than others. Of a stream of its own, so that all others are as they were.
 */
function drawHistory(seed: number) {
  const rng = derive(seed, "history");
  if (rng.below(5) > 0) return null;
  const plan = () => [
    {
      tensors: "*",
      codec: { select: { topK: 0.05 + 0.1 * rng.uniform() }, values: pick(rng, ["ternary", "float16"]) },
      errorFeedback: rng.below(4) > 0,
      history: true,
    },
  ];
  const [inputs, units] = [16 + rng.below(24), 12 + rng.below(8)];
  const data = (length: number) => Float32Array.from({ length }, () => 2 * rng.uniform() - 1);
  const initial: Params = new Map([
    ["dense/kernel", { shape: [inputs, units], data: data(inputs * units) }],
    ["dense/bias", { shape: [units], data: data(units) }],
  ]);
  const way = pick(rng, ["up", "up", "down", "both"]);
  return { initial, uplink: way === "down" ? null : plan(), downlink: way === "up" ? null : plan() };
}

const one = (codec: unknown, errorFeedback: boolean) => [{ tensors: "*", codec, errorFeedback }];

/** Without names or shapes of tensors. */
const anyModelsPlans = (): typeof PLANS => PLANS.slice(0, 5);

/** Plans that differ in what they owe, in how they select and in how many payloads there are. */
const PLANS: readonly ((rng: Rng, kernel: readonly number[]) => readonly unknown[])[] = [
  (rng) => one({ select: { topK: 0.1 + 0.5 * rng.uniform() }, values: "ternary" }, true),
  () => one({ select: "all", values: "float32" }, false),
  (rng) => one({ select: "all", values: "float32" }, rng.below(2) === 0),
  (rng) => one({ select: "all", values: { uniform: 2 + rng.below(5) } }, true),
  (rng) => one({ select: { randomK: 0.2 + 0.5 * rng.uniform() }, values: "float16" }, true),
  (rng) => [
    {
      tensors: "dense/*",
      codec: { select: { topK: 0.3 }, values: pick(rng, ["float32", "ternary"]) },
      errorFeedback: true,
    },
    ...one({ select: "all", values: "float32" }, false),
  ],
  (_, [rows, cols]) =>
    rows! * cols! > 2 * (rows! + cols!)
      ? [
          {
            tensors: "dense/kernel",
            codec: { select: { lowRank: 1 }, values: "float32" },
            errorFeedback: true,
          },
          ...one({ select: "all", values: "float16" }, true),
        ]
      : one({ select: { blocks: { keep: 1, of: 3 } }, values: "sign" }, true),
];

const pick = <T>(rng: Rng, from: readonly T[]): T => from[rng.below(from.length)]!;
