import { optimizerOf, robustRule, trainedFor } from "../aggregation/strategy.ts";
import { MAX_WEIGHT } from "../aggregation/weight.ts";
import { mostHistoryBytes } from "../compress/history.ts";
import { planGroups } from "../compress/plan.ts";
import { usesHistory } from "../compress/priors.ts";
import { ConfigError } from "../model/error.ts";
import { digestOf, type Manifest, manifestOf, numParams } from "../model/manifest.ts";
import { masksDigest } from "../model/masks.ts";
import type { SubModel } from "../model/submodel.ts";
import type { Params } from "../model/tensor.ts";
import { encodeFrame } from "../wire/frame.ts";
import { defaultLimits, type Limits } from "../wire/limits.ts";
import { type Config, mayLeave } from "./config/config.ts";
import { numAttackers } from "./config/robust.ts";
import type { Contract } from "./contract.ts";
import type { JournalSettings } from "./journal/journal.ts";
import type { RunContract } from "./journal/record.ts";
import type { RoundConfig } from "./round/state.ts";
import { type ReportBytes, reportBytes } from "./sessions/report-bytes.ts";

export interface CoordinatorOptions {
  readonly runId: string;
  readonly name: string;
  /** What trains and evaluates in this process; null where nothing does. */
  readonly engine: string | null;
  readonly contract: Contract;
  readonly rounds: RoundConfig;
  readonly journal: JournalSettings & {
    /** How people call the disk. */
    readonly folder: string;
    /** Versions from one snapshot to the next; null for a journal that nobody reads again. */
    readonly snapshotEvery: number | null;
  };
  /** A client that is not heard of for so long counts as left. */
  readonly leaseMs: number;
}

/**
 * What a config and version 0 make of a run: the same for a deployed coordinator and for a simulation. `subModels` are
 * those of the config's widths, none when there is but the whole; `seeded` says whether clients can make version 0
 * themselves.
 */
export function coordinatorOptions(
  config: Config,
  initial: Params,
  runId: string,
  engine: string | null,
  subModels: readonly SubModel[] = [],
  seeded = config.model.checkpoint === null,
): CoordinatorOptions {
  const { cohort, seed, model, uplink, downlink, train, masks } = config;
  const { maskPolicy, ...aggregation } = config.aggregation;
  checkFrameBytes(config, initial);
  checkUploadBytes(config, initial);
  const foldBytes = robustFoldBytes(config, initial);
  return {
    runId,
    name: config.name,
    engine,
    contract: {
      manifest: manifestOf(initial),
      source: { zoo: model.zoo, seed },
      seeded,
      initial,
      uplink,
      downlink,
      aggregation: {
        ...aggregation,
        serverOptimizer: aggregation.serverOptimizer ?? optimizerOf(aggregation.strategy),
        attackers: numAttackers(aggregation.attackers, cohort.goal),
      },
      train: trainedFor(aggregation.strategy, train),
      subModels,
      masks: {
        ...masks,
        policy: maskPolicy,
        regrow: masks.regrow === null ? null : { fraction: masks.regrow, numRounds: config.rounds },
      },
      weightBudget: cohort.goal * MAX_WEIGHT,
      keepsUpdates: config.distill?.teacher === "ensemble",
      foldBytes,
      maxStaleness: cohort.maxStaleness,
      limits: wireLimits(config),
    },
    rounds: {
      seed,
      rounds: config.rounds,
      goal: cohort.goal,
      minimum: cohort.minimum ?? cohort.goal,
      overSelection: cohort.overSelection,
      selectionDeadlineMs: cohort.selectionDeadline,
      reportDeadlineMs: cohort.reportDeadline,
      maxAbandoned: cohort.maxAbandoned,
      maxStaleness: cohort.maxStaleness,
      concurrency: cohort.concurrency,
      coverWithin: cohort.coverWithin,
    },
    journal: { ...config.coordinator.journal, blobBytes: 256 * 1024, folder: config.coordinator.stateDir },
    leaseMs: config.coordinator.lease,
  };
}

/** A checkpoint must fit into a frame, and a history, or clients that come late could never catch up. */
function checkFrameBytes({ coordinator, uplink, downlink }: Config, params: Params): void {
  const checkpoint = encodeFrame({ kind: "checkpoint", version: 0, params }).length;
  const history = usesHistory(uplink, downlink) ? mostHistoryBytes(manifestOf(params)) : 0;
  const needed = Math.max(checkpoint, history) + 64;
  const { frameBytes } = coordinator.limits;
  if (frameBytes < needed)
    throw new ConfigError([
      {
        path: "coordinator.limits.frameBytes",
        value: frameBytes,
        expected: `at least ${needed} for this model`,
      },
    ]);
}

/** A report that the limit has no room for would be told to come later for ever. */
function checkUploadBytes(config: Config, params: Params): void {
  const { uploadBytes, frameBytes } = config.coordinator.limits;
  const needed = Math.min(reportSize(config, manifestOf(params)).encoded, frameBytes);
  if (uploadBytes < needed)
    throw new ConfigError([
      {
        path: "coordinator.limits.uploadBytes",
        value: uploadBytes,
        expected: `at least ${needed}, what one report may take; or an uplink that selects less`,
      },
    ]);
}

const isMasked = (config: Config): boolean => config.widths.some((width) => width < 1) || mayLeave(config);

const reportSize = (config: Config, manifest: Manifest): ReportBytes =>
  reportBytes(planGroups(config.uplink, manifest, "uplink"), isMasked(config));

/** What of the limit is left to fold in; 0 for a strategy that keeps no reports. Throws ConfigError when it is too little. */
function robustFoldBytes(config: Config, params: Params): number {
  const { aggregation, cohort, coordinator } = config;
  const rule = robustRule(aggregation);
  if (rule === null) return 0;
  const { robustBytes, frameBytes } = coordinator.limits;
  const manifest = manifestOf(params);
  const { encoded, decoded } = reportSize(config, manifest);
  const report = Math.min(encoded, frameBytes);
  const left = robustBytes - cohort.goal * report - decoded;
  const least = rule.leastBytes({
    updates: cohort.goal,
    coordinates: numParams(manifest),
    updateBytes: decoded,
    masked: isMasked(config),
  });
  if (left < least)
    throw new ConfigError([
      {
        path: "coordinator.limits.robustBytes",
        value: robustBytes,
        expected:
          `at least ${robustBytes - left + least} with strategy ${aggregation.strategy}: ${cohort.goal} reports of up ` +
          `to ${report} bytes, ${decoded} for one of them decoded, and ${least} to fold them in; ` +
          "or a smaller cohort.goal, or an uplink that selects less",
      },
    ]);
  return left;
}

export const wireLimits = (config: Config): Limits => ({
  ...defaultLimits,
  frameBytes: config.coordinator.limits.frameBytes,
});

/** All that the fold and the tasks depend on, part by part: a journal goes on only under the same. */
export function runContract({ contract, rounds }: CoordinatorOptions, initial: string): RunContract {
  const { manifest, source, weightBudget, maxStaleness, uplink, downlink, aggregation, train, masks } =
    contract;
  const parts = {
    model: { manifest, source, initial },
    uplink,
    downlink,
    aggregation,
    train,
    masks: { ...masks, regrow: masks.regrow && { fraction: masks.regrow.fraction } },
    "rounds, which masks.regrow follows": masks.regrow?.numRounds ?? null,
    widths: contract.subModels.map((subModel) => [subModel.width, masksDigest(subModel.masks, manifest)]),
    "cohort.goal": weightBudget,
    "cohort.maxStaleness": maxStaleness,
    seed: rounds.seed,
  };
  const digest = (part: unknown) => digestOf(new TextEncoder().encode(JSON.stringify(part)));
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, digest(part)]));
}
