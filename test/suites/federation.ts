import type { MaskRules } from "../../src/aggregation/mask-step.ts";
import { type AggregationSettings, trainedFor } from "../../src/aggregation/strategy.ts";
import { MAX_WEIGHT } from "../../src/aggregation/weight.ts";
import type { CoordinatorLink } from "../../src/client/link.ts";
import { type ClientEnd, type ClientEvent, clientLoop } from "../../src/client/loop.ts";
import type { Factory } from "../../src/client/model-chain.ts";
import type { StateStore } from "../../src/client/state.ts";
import { type Coordinator, openCoordinator } from "../../src/coordinator/coordinator.ts";
import { readJournal } from "../../src/coordinator/journal/read.ts";
import { decodeRecord, type Record } from "../../src/coordinator/journal/record.ts";
import type { CoordinatorOptions } from "../../src/coordinator/options.ts";
import { sleep } from "../../src/model/clock.ts";
import type { Dataset } from "../../src/model/dataset.ts";
import type { Disk } from "../../src/model/disk.ts";
import { manifestOf } from "../../src/model/manifest.ts";
import { MAX_NUM_EXAMPLES } from "../../src/model/message.ts";
import type { CoordinatorService, PlanRule, TrainSettings } from "../../src/model/protocol.ts";
import { derive } from "../../src/model/rng.ts";
import type { DeviceProfile, SubModel } from "../../src/model/submodel.ts";
import { mapParams, type Params } from "../../src/model/tensor.ts";
import { localLink } from "../../src/simulation/local-link.ts";
import { memoryStore } from "../../src/simulation/memory.ts";
import { type World, world } from "../../src/simulation/world.ts";
import type { TelemetryEvent } from "../../src/telemetry/event.ts";
import type { Trainer } from "../../src/trainer/trainer.ts";
import { defaultLimits } from "../../src/wire/limits.ts";

/** A small federation on the production engine, with training that a person can follow on paper. */

export const initial: Params = new Map([
  ["a", { shape: [8, 8], data: new Float32Array(64) }],
  ["b", { shape: [8], data: new Float32Array(8) }],
]);

export const factory = (): Params => initial;

export const topKTernary: readonly PlanRule[] = [
  { tensors: "*", codec: { select: { topK: 0.1 }, values: "ternary" }, errorFeedback: true },
];

export const dense: readonly PlanRule[] = [
  { tensors: "*", codec: { select: "all", values: "float32" }, errorFeedback: false },
];

/**
 * Every client wants another model: its inputs. Training goes half of the way there, in a second: one step of rate 1 down
 * the gradient of |params - inputs|^2 / 4, and of whatever correction the task has.
 */
export function dataset(client: number): Dataset {
  const rng = derive(9, "target", client);
  return {
    inputShape: [72],
    numClasses: 2,
    inputs: Float32Array.from({ length: 72 }, () => rng.uniform() - 0.25),
    labels: new Int32Array(1 + client),
  };
}

export const halfWay = (virtual: World): Trainer => ({
  engine: "by hand",
  train: async ({ params, correction, dataset: { inputs } }, signal) => {
    await sleep(virtual.clock, 1000, signal);
    let at = 0;
    const next = mapParams(params, ({ data }, name) => {
      const shift = correction?.get(name)?.data;
      return data.map((v, j) => v + 0.5 * (inputs[at++]! - v) - (shift?.[j] ?? 0));
    });
    return { params: next, numSteps: 1, trainLoss: 0.5 };
  },
  evaluate: async () => ({ accuracy: 0, loss: 0 }),
  predict: async () => new Float32Array(),
  close: async () => {},
});

export function options(overrides: {
  readonly rounds?: number;
  readonly goal?: number;
  readonly minimum?: number;
  readonly uplink?: readonly PlanRule[];
  readonly downlink?: readonly PlanRule[];
  readonly maxStaleness?: number;
  readonly concurrency?: number | null;
  readonly coverWithin?: number;
  readonly aggregation?: Partial<AggregationSettings>;
  readonly subModels?: readonly SubModel[];
  readonly masks?: Partial<MaskRules>;
  readonly train?: Partial<TrainSettings>;
  readonly snapshotEvery?: number | null;
  readonly keep?: "needed" | "all";
}): CoordinatorOptions {
  const { aggregation = {}, maxStaleness = 0, concurrency = null, subModels = [], masks } = overrides;
  const { snapshotEvery = null, keep = "all" } = overrides;
  const { rounds = 5, goal = 3, minimum = goal, uplink = topKTernary, downlink = topKTernary } = overrides;
  return {
    runId: "test-run",
    name: "test",
    engine: null,
    contract: {
      manifest: manifestOf(initial),
      source: { zoo: "toy", seed: 7 },
      seeded: true,
      initial,
      uplink,
      downlink,
      aggregation: {
        strategy: "fedavg",
        serverOptimizer: { sgd: { learningRate: 1, momentum: 0 } },
        weightCap: MAX_NUM_EXAMPLES,
        clipNorm: null,
        stalenessExponent: 0.5,
        fairness: 1,
        attackers: 0,
        centeredClipping: { radius: "auto", iterations: 1, cutoff: null },
        gates: { normFactor: 10 },
        ...aggregation,
      },
      train: trainedFor(aggregation.strategy ?? "fedavg", {
        epochs: 1,
        batchSize: 1,
        optimizer: { sgd: { learningRate: 1, momentum: 0 } },
        ...overrides.train,
      }),
      subModels,
      masks: { policy: "union", uncovered: "keep", everyRounds: 1, maxDrift: null, regrow: null, ...masks },
      weightBudget: goal * MAX_WEIGHT,
      keepsUpdates: false,
      foldBytes: 2 ** 20,
      maxStaleness,
      limits: defaultLimits,
    },
    rounds: {
      seed: 1,
      rounds,
      goal,
      minimum,
      overSelection: 1,
      selectionDeadlineMs: 1000,
      reportDeadlineMs: 60_000,
      maxAbandoned: 3,
      maxStaleness,
      concurrency,
      coverWithin: overrides.coverWithin ?? 5,
    },
    journal: { folder: "state", snapshotEvery, segmentBytes: 2 ** 20, blobBytes: 2 ** 18, keep },
    leaseMs: 90_000,
  };
}

export function open(
  disk: Disk,
  virtual: World,
  settings: CoordinatorOptions,
  opening?: AbortSignal,
): Promise<Coordinator & { readonly events: readonly TelemetryEvent[] }> {
  const events: TelemetryEvent[] = [];
  const ports = {
    disk,
    clock: virtual.clock,
    emit: (event: TelemetryEvent) => events.push(event),
    evaluate: async () => null,
    ...(opening && { opening }),
  };
  return openCoordinator(settings, ports).then((coordinator) => ({ ...coordinator, events }));
}

/** All records that a coordinator's disk has. */
export async function recordsOn(disk: Disk): Promise<readonly Record[]> {
  return (await readJournal(disk, "first")).records.map(({ bytes }) => decodeRecord(bytes));
}

export interface RunningClient {
  readonly events: readonly ClientEvent[];
  readonly store: StateStore;
  readonly end: Promise<ClientEnd>;
  /** As a power cut: the link closes and nothing more runs. */
  readonly kill: () => Promise<void>;
}

export function startClient(
  client: number,
  service: CoordinatorService,
  virtual: World,
  overrides: {
    readonly store?: StateStore;
    readonly trainer?: Trainer;
    readonly profile?: DeviceProfile;
    readonly factory?: Factory;
    /** What a test makes of the link. */
    readonly link?: (link: CoordinatorLink) => CoordinatorLink;
  } = {},
): RunningClient {
  const { store = memoryStore(), trainer = halfWay(virtual), profile } = overrides;
  const clientId = `client-${client}`;
  const events: ClientEvent[] = [];
  const device = {
    samplesPerSecond: 1,
    latencyMs: client,
    uplinkBytesPerSecond: 1e6,
    downlinkBytesPerSecond: 1e6,
  };
  const link = localLink(service, clientId, device, virtual);
  const aborter = new AbortController();
  const end = clientLoop(
    { clientId, dataset: dataset(client), limits: defaultLimits, ...(profile && { device: profile }) },
    {
      link: overrides.link?.(link) ?? link,
      trainer,
      store,
      clock: virtual.clock,
      factory: overrides.factory ?? factory,
      rng: derive(1, clientId),
      log: (event) => events.push(event),
    },
    aborter.signal,
  );
  end.catch(() => {});
  return {
    events,
    store,
    end,
    kill: async () => {
      aborter.abort(new Error("killed"));
      await link.close();
    },
  };
}

export { type World, world };
