import type { Aggregate } from "../aggregation/aggregate.ts";
import { gateProblem, longest } from "../aggregation/gates.ts";
import { isExploring, type MaskRules } from "../aggregation/mask-step.ts";
import { STEPS_UNIT } from "../aggregation/mean.ts";
import { paramsNorm } from "../aggregation/norm.ts";
import { type AggregationSettings, aggregationStrategy } from "../aggregation/strategy.ts";
import { addUpdate, emptyTally, fits, type Tally } from "../aggregation/tally.ts";
import { type Votes, votesOf } from "../aggregation/votes.ts";
import type { Weight } from "../aggregation/weight.ts";
import { decodeDelta, emptyResidual, encodeDelta, type Residual } from "../compress/error-feedback.ts";
import { zeroOutsideGroups } from "../compress/owned.ts";
import { type PlanGroup, planDigest, planGroups } from "../compress/plan.ts";
import { reusedScratch } from "../compress/scratch.ts";
import { assert } from "../model/assert.ts";
import { WireError } from "../model/error.ts";
import { localSteps, mostSteps } from "../model/local-steps.ts";
import { type Manifest, manifestDigest } from "../model/manifest.ts";
import { ownedParams } from "../model/masks.ts";
import type { ClientId, Model, UpdateMessage } from "../model/message.ts";
import type {
  Exponents,
  HeldModel,
  ModelSource,
  PlanRule,
  ReportId,
  TrainSettings,
  Verdict,
} from "../model/protocol.ts";
import { deriveSeed } from "../model/rng.ts";
import type { SubModel } from "../model/submodel.ts";
import { type Masks, type Params, toDense } from "../model/tensor.ts";
import { encodeFrame, shortDigest } from "../wire/frame.ts";
import type { Limits } from "../wire/limits.ts";
import { applyDelta } from "../wire/update.ts";
import { type CatchUp, openChain } from "./chain.ts";
import { openControl } from "./control-track.ts";
import { ALL_OWNED, type ModelMasks, nextModelMasks } from "./model-masks.ts";
import { openParts, type Part } from "./parts.ts";
import { type CheckedUpdate, checkReport, type ExpectedReport } from "./report-check.ts";
import { firstUsual, nothingSeen, type Seen, see, usualAfter } from "./usual.ts";

/** What the fold of the journal depends on, besides the journal. */
export interface Contract {
  readonly manifest: Manifest;
  readonly source: ModelSource;
  /** Whether version 0 is what the zoo's factory makes of the seed; else it travels as a checkpoint. */
  readonly seeded: boolean;
  readonly initial: Params;
  readonly uplink: readonly PlanRule[];
  readonly downlink: readonly PlanRule[];
  readonly aggregation: AggregationSettings;
  readonly train: TrainSettings;
  /** Parts of the model that clients are given by what their devices can do; none when everybody trains everything. */
  readonly subModels: readonly SubModel[];
  /** What clients own of the model for good, in a study whose journal nobody replays; all others follow `masks`. */
  readonly ownMasks?: ReadonlyMap<ClientId, Masks>;
  readonly masks: MaskRules;
  /** The weights of a round's updates add up to at most this. */
  readonly weightBudget: number;
  /** Whether the last round's updates are kept, for an ensemble of teachers; else they are folded and gone. */
  readonly keepsUpdates: boolean;
  /** Whether bounds only grow, because reports of earlier rounds count. */
  readonly keepsBounds: boolean;
  readonly limits: Limits;
}

/**
 * The run's state as the fold of its records: the global model, the open round's tally, what became of every
 * report, and the deltas that bring a client up to date. Updates are folded as they come and not kept, unless an
 * ensemble of teachers is to be made of the last round's.
 */
export interface Book {
  readonly manifest: Manifest;
  readonly model: () => Model;
  readonly held: () => HeldModel;
  readonly round: () => number;
  readonly open: () => OpenRound | null;
  /**
   * Checks a report's bytes while a round is open; throws WireError, changes nothing. What it gives is good until the next
   * check.
   */
  readonly check: (clientId: ClientId, frame: Uint8Array, expected: ExpectedReport) => CheckedUpdate;
  /** Why a report that checks out is not let in nevertheless; null when it is. Not asked again by a replay. */
  readonly gate: (checked: CheckedUpdate) => string | null;
  /** What an update of the open round counts for. */
  readonly weigh: (update: UpdateMessage) => Weight;
  /** The bounds of the open round, or else of the next. */
  readonly exponents: () => Exponents;
  /** `widths` are those of the cohort's parts, in its order; without them everybody has the whole model. */
  readonly openRound: (
    round: number,
    cohort: readonly ClientId[],
    exponents: Exponents,
    widths?: readonly number[],
  ) => void;
  /** What a client owns in the round that it was last asked in. */
  readonly partOf: (clientId: ClientId, round: number) => Part;
  readonly masksFrame: (digest: string) => Uint8Array | null;
  /** Bytes of a report for each coordinate that its client owns, the median of the last round; 4 before there was one. */
  readonly bytesPerCoordinate: () => number;
  /** Folds a report that was checked; `digest` is its frame's. */
  readonly accept: (checked: CheckedUpdate, weight: Weight, digest: string) => void;
  /** Closes the open round: a commit makes the next version of the model. */
  readonly close: (outcome: "commit" | "abandon") => void;
  /** Whether this very report was accepted, in a round open or closed. */
  readonly wasAccepted: (clientId: ClientId, report: ReportId) => boolean;
  readonly verdictOf: (clientId: ClientId, report: ReportId) => Verdict;
  readonly catchUp: (held: HeldModel | null, target?: number) => CatchUp;
  /** Size of the newest delta frame. */
  readonly lastDeltaBytes: () => number;
  /** The models that the last round's reports stood for, where they are kept. */
  readonly lastClientModels: () => readonly Params[];
}

export interface OpenRound {
  readonly round: number;
  readonly cohort: readonly ClientId[];
  readonly accepted: ReadonlyMap<ClientId, ReportId>;
}

/** Sees a step of the model, and what the server owes beside it, before both are encoded; must leave them alone. */
export type DownlinkObserver = (round: number, target: Params, owed: Residual) => void;

export function openBook(contract: Contract, observe: DownlinkObserver = () => {}): Book {
  const { manifest, weightBudget, limits, train } = contract;
  const strategy = aggregationStrategy(contract.aggregation, train);
  const parts = openParts(contract.uplink, manifest, contract.subModels);
  const uplink: readonly PlanGroup[] = parts.of(1, null).plan.whole;
  const downlink: readonly PlanGroup[] = planGroups(contract.downlink, manifest, "downlink");
  /** The tensors that share a payload, by their places in the manifest. */
  const uplinkPlaces = uplink.map(({ tensors }) => tensors.map((tensor) => manifest.tensors.indexOf(tensor)));
  const manifestId = shortDigest(manifestDigest(manifest));
  const downlinkId = shortDigest(planDigest(contract.downlink, manifest));

  const chain = openChain(contract.initial, contract.seeded ? contract.source : null);
  let residual = emptyResidual(downlink);
  let optimizerState = strategy.optimizer.init(contract.initial);
  let round = 0;
  let open: {
    round: number;
    cohort: readonly ClientId[];
    accepted: Map<ClientId, ReportId>;
    weights: Map<ClientId, number>;
    /** Null where all updates are folded together at the end. */
    tally: Tally | null;
    updates: UpdateMessage[];
    seen: Seen;
  } | null = null;
  let modelMasks: ModelMasks = ALL_OWNED;
  /** Of clients that have less than the whole model, in the round that they were last asked in. */
  const givenWidths = new Map<ClientId, { readonly round: number; readonly width: number }>();
  /** What clients owned of the model in the last rounds, oldest first. */
  const ownedIn = new Map<number, Masks | null>();
  let usual = firstUsual(manifest);
  let modelNorm = paramsNorm(contract.initial);
  /** What clients correct their steps by, beside the model of the same version; null without SCAFFOLD. */
  const control = strategy.control && openControl(strategy.control, contract.initial);
  /** What the last committed round came to, for folds that start from there. */
  let previous: Params | null = null;
  let sums: Tally["sums"] | undefined;
  /** Where updates are folded one by one, each is decoded into the memory of the one before. */
  const keepsUpdates = strategy.fold.kind === "robust" || contract.keepsUpdates;
  const scratch = keepsUpdates ? undefined : reusedScratch();
  const rules = { manifest, manifestId, train, limits, keepsUpdates };
  let lastUpdates: { readonly base: Params; readonly updates: readonly UpdateMessage[] } | null = null;
  /** Of every client's newest report: it makes none before it knows what became of the one before. */
  const verdicts = new Map<ClientId, Verdict>();

  const check: Book["check"] = (clientId, bytes, expected) => {
    assert(open !== null, "a report is checked while its round is open");
    const { plan } = partOf(clientId, expected.round);
    scratch?.reset();
    const checked = checkReport(bytes, clientId, {
      ...expected,
      ...rules,
      plan,
      exponents: usual.exponents,
      scratch,
    });
    const { update } = checked;
    if (open.tally !== null && !fits(open.tally, weigh(update).weight))
      throw new WireError(
        "out-of-range",
        "numExamples",
        `${update.numExamples} exceeds what is left of the round's weight budget`,
      );
    return checked;
  };

  const partOf = (clientId: ClientId, ofRound: number): Part => {
    const given = givenWidths.get(clientId);
    const own = contract.ownMasks?.get(clientId);
    return parts.of(given?.round === ofRound ? given.width : 1, own ?? ownedIn.get(ofRound) ?? null);
  };

  const gate = ({ norm }: CheckedUpdate): string | null =>
    gateProblem(norm, longest(contract.aggregation.gates, usual.norms, modelNorm));

  const weigh = (update: UpdateMessage): Weight =>
    strategy.weigh(update, { version: chain.model().version, ...usual });

  /** Of examples that count, as the weight is. */
  const stepsOf = ({ numSteps }: UpdateMessage): number => {
    const counted = Math.min(numSteps, mostSteps(train, contract.aggregation.weightCap));
    return Math.min(2 ** 32 - 1, Math.round(localSteps(train, counted) * STEPS_UNIT));
  };

  /** In the order of client ids, whatever order they came in. */
  const foldOf = (tally: Tally | null, updates: readonly UpdateMessage[]): Aggregate => {
    if (strategy.fold.kind === "linear") return strategy.fold.mean(tally!);
    const { attackers } = contract.aggregation;
    const sorted = [...updates].sort((a, b) => (a.clientId < b.clientId ? -1 : 1));
    return strategy.fold.rule.combine(sorted, { manifest, attackers, previous });
  };

  /** One step of the global model: fold, optimizer, and the same codec downwards with the server's own residual. */
  const commit = (aggregate: Aggregate, votes: Votes): void => {
    const version = chain.model().version + 1;
    const [step, state] = strategy.optimizer.step(aggregate, optimizerState);
    const { params: before } = chain.model();
    const next = nextModelMasks(contract.masks, modelMasks, {
      version,
      manifest,
      votes,
      aggregate,
      params: before,
      step,
    });
    const { masks } = next;
    previous = ownedParams(aggregate.delta, masks);
    const target = ownedParams(step, masks);
    const owed = masks === null ? residual : zeroOutsideGroups(residual, downlink, masks);
    observe(round, target, owed);
    const encoded = encodeDelta(
      downlink,
      target,
      owed,
      Infinity,
      deriveSeed(contract.source.seed, "downlink", version),
    );
    const moved = applyDelta(before, decodeDelta(downlink, encoded.payloads));
    const params = ownedParams(moved, masks);
    optimizerState = state.map((moments) => ownedParams(moments, masks));
    residual = encoded.residual;
    modelNorm = paramsNorm(params);
    const delta = (digest: string): Uint8Array =>
      encodeFrame({
        kind: "delta",
        version,
        manifest: manifestId,
        plan: downlinkId,
        digest: shortDigest(digest),
        payloads: encoded.payloads,
      });
    const ofMasks = masks && parts.frameOf(parts.publish(masks));
    // some codecs turn zeros into values: then the masks come along, though they are known
    const isNeeded = masks !== modelMasks.masks || !isSameModel(moved, params);
    chain.push(
      params,
      (digest) => (ofMasks !== null && isNeeded ? [ofMasks, delta(digest)] : [delta(digest)]),
      ofMasks,
    );
    modelMasks = next;
  };

  /** The model's frames, and after them its control variate, which there is of the newest version only. */
  const catchUp: Book["catchUp"] = (held, target) => {
    if (control === null) return chain.catchUp(held, target);
    const ofModel = chain.catchUp(held);
    if (ofModel.frames.length === 0) return ofModel;
    return { ...ofModel, frames: [...ofModel.frames, ...control.frames(chain.held().version)] };
  };

  const openRound: Book["openRound"] = (opened, cohort, bounds, widths) => {
    round = opened;
    usual = { ...usual, exponents: bounds };
    const { fold } = strategy;
    const tally =
      fold.kind === "linear"
        ? emptyTally(manifest, { exponents: bounds, weightBudget }, sums, fold.countsSenders)
        : null;
    sums = tally?.sums;
    if (!contract.keepsBounds) ownedIn.clear(); // nobody is late: masks that change must not pile up
    ownedIn.set(round, isExploring(contract.masks, chain.model().version + 1) ? null : modelMasks.masks);
    if (ownedIn.size > MAX_ROUNDS) ownedIn.delete(ownedIn.keys().next().value!);
    widths?.forEach((width, i) => {
      givenWidths.set(cohort[i]!, { round, width });
    });
    open = {
      round,
      cohort,
      accepted: new Map(),
      weights: new Map(),
      tally,
      updates: [],
      seen: nothingSeen(manifest),
    };
  };

  const accept = (checked: CheckedUpdate, weight: Weight, frameDigest: string): void => {
    const { update } = checked;
    assert(open !== null, "a report is folded while a round is open");
    if (open.tally !== null) addUpdate(open.tally, update, weight, stepsOf(update));
    if (keepsUpdates) open.updates.push(update);
    see(open.seen, checked);
    open.weights.set(update.clientId, weight.weight);
    open.accepted.set(update.clientId, { round: update.round, digest: frameDigest });
  };

  const close = (outcome: "commit" | "abandon"): void => {
    assert(open !== null, "an open round closes");
    const closing = open;
    open = null;
    usual = usualAfter(usual, closing.seen, outcome, {
      groups: uplinkPlaces,
      keepsBounds: contract.keepsBounds,
    });
    if (outcome === "commit") {
      if (contract.keepsUpdates) lastUpdates = { base: chain.model().params, updates: closing.updates };
      control?.follow(closing.tally!, closing.weights);
      commit(foldOf(closing.tally, closing.updates), closing.tally ?? votesOf(closing.updates, manifest));
    }
    for (const [clientId, report] of closing.accepted)
      verdicts.set(
        clientId,
        outcome === "commit"
          ? { report, outcome: "folded", version: chain.model().version }
          : { report, outcome: "dropped", version: null },
      );
  };

  const verdictOf = (clientId: ClientId, report: ReportId): Verdict => {
    const unknown: Verdict = { report, outcome: "unknown", version: null };
    const settled = verdicts.get(clientId);
    if (settled !== undefined && isSame(settled.report, report)) return settled;
    if (isSame(open?.accepted.get(clientId), report)) return unknown;
    // Who checks in is not asked for an earlier round's report any more, so that what was not accepted is dropped for good.
    return report.round < round || (report.round === round && open === null)
      ? { ...unknown, outcome: "dropped" }
      : unknown;
  };

  const wasAccepted = (clientId: ClientId, report: ReportId): boolean =>
    isSame(open?.accepted.get(clientId), report) || isSame(verdicts.get(clientId)?.report, report);

  return {
    manifest,
    model: chain.model,
    held: chain.held,
    round: () => round,
    open: () => open,
    check,
    gate,
    weigh,
    exponents: () => usual.exponents,
    openRound,
    partOf,
    masksFrame: parts.frameOf,
    bytesPerCoordinate: () => usual.bytesPerCoordinate,
    accept,
    close,
    wasAccepted,
    verdictOf,
    catchUp,
    lastDeltaBytes: chain.lastDeltaBytes,
    lastClientModels: () =>
      (lastUpdates?.updates ?? []).map((update) => {
        const steps = train.perStep ? localSteps(train, update.numSteps) : 1;
        return added(lastUpdates!.base, update, steps);
      }),
  };
}

const isSame = (one: ReportId | undefined, other: ReportId): boolean =>
  one?.round === other.round && one.digest === other.digest;

const isSameModel = (a: Params, b: Params): boolean =>
  a === b || [...a].every(([name, { data }]) => data.every((v, i) => v === b.get(name)!.data[i]));

/** Reports of earlier rounds than that count nowhere. */
const MAX_ROUNDS = 1024;

/** Where a client's training of that many steps led. */
function added(base: Params, update: UpdateMessage, steps: number): Params {
  return new Map(
    [...base].map(([name, { shape, data }]) => {
      const delta = toDense(update.tensors.get(name)!.delta);
      return [name, { shape, data: data.map((v, i) => v + steps * delta[i]!) }];
    }),
  );
}
