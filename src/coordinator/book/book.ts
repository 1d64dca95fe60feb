import type { Aggregate } from "../../aggregation/aggregate.ts";
import { gateProblem, longest } from "../../aggregation/gates.ts";
import { isExploring } from "../../aggregation/mask-step.ts";
import { paramsNorm } from "../../aggregation/norm.ts";
import type { Reading } from "../../aggregation/robust/reading.ts";
import { aggregationStrategy } from "../../aggregation/strategy.ts";
import { emptyTally, fits, type Tally } from "../../aggregation/tally.ts";
import { votesOf } from "../../aggregation/votes.ts";
import type { Weight } from "../../aggregation/weight.ts";
import type { Residual } from "../../compress/error-feedback.ts";
import { planDigest, planGroups } from "../../compress/plan.ts";
import { ownedPriors } from "../../compress/priors.ts";
import { reusedScratch } from "../../compress/scratch.ts";
import { assert } from "../../model/assert.ts";
import { WireError } from "../../model/error.ts";
import { type Manifest, manifestDigest } from "../../model/manifest.ts";
import type { ClientId, Model, UpdateMessage } from "../../model/message.ts";
import type { Exponents, HeldModel, ReportId, Verdict } from "../../model/protocol.ts";
import type { Params } from "../../model/tensor.ts";
import { encodeFrame, shortDigest } from "../../wire/frame.ts";
import type { Contract } from "../contract.ts";
import { type CheckedUpdate, checkReport, type ExpectedReport } from "../sessions/report-check.ts";
import { decodeSnapshot, encodeSnapshot } from "../snapshot/snapshot.ts";
import { type CatchUp, openChain } from "./chain.ts";
import { openControl } from "./control-track.ts";
import { openHistories } from "./histories.ts";
import { modelStep, type StepRules } from "./model-step.ts";
import { type Gathering, gather, nothingGathered, type OpenRound } from "./open-round.ts";
import { openOwners } from "./owners.ts";
import { openParts, type Part } from "./parts.ts";
import { type BookState, firstState } from "./state.ts";
import { teacherModels, teachersOf } from "./teachers.ts";
import { usualAfter } from "./usual.ts";
import { openVerdicts } from "./verdicts.ts";

/**
 * The run's state as the fold of its records: the global model, the open round's tally, what became of every
 * report, and the deltas that bring a client up to date. Updates are folded as they come and not kept; only for a robust
 * fold, and for an ensemble of teachers, the bytes of a round's reports are.
 */
export interface Book {
  readonly manifest: Manifest;
  readonly model: () => Model;
  readonly held: () => HeldModel;
  readonly round: () => number;
  readonly open: () => OpenRound | null;
  /**
   * Checks a report's bytes while a round is open; throws WireError, changes nothing. What it gives is good until the next
   * check or close.
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
  /** The least width of a part that covers what no report has covered for so many rounds; 0 when there is nothing. */
  readonly overdueWidth: (rounds: number) => number;
  /** Folds a report that was checked; `digest` is its frame's. */
  readonly accept: (checked: CheckedUpdate, weight: Weight, digest: string) => void;
  /** Closes the open round: a commit makes the next version of the model. */
  readonly close: (outcome: "commit" | "abandon") => void;
  /** Whether this very report was accepted, in a round open or closed. */
  readonly wasAccepted: (clientId: ClientId, report: ReportId) => boolean;
  /** A report was looked at and turned away for good. */
  readonly refuse: (round: number, clientId: ClientId, digest: string) => void;
  readonly verdictOf: (clientId: ClientId, report: ReportId) => Verdict;
  readonly catchUp: (held: HeldModel | null, target?: number, whole?: boolean) => CatchUp;
  /** Size of the newest delta frame. */
  readonly lastDeltaBytes: () => number;
  /** The models that the last round's reports stood for, where they are kept. */
  readonly lastClientModels: () => readonly Params[];
  /** All of it as bytes, while no round is open: a book opened from them goes on as this one does. */
  readonly snapshot: () => Uint8Array;
}

/** Sees a step of the model, and what the server owes beside it, before both are encoded; must leave them alone. */
export type DownlinkObserver = (round: number, target: Params, owed: Residual) => void;

/** Empty, or as it was when the snapshot was taken: throws JournalError for one that is not of this contract. */
export function openBook(
  contract: Contract,
  observe: DownlinkObserver = () => {},
  snapshot: Uint8Array | null = null,
): Book {
  const { manifest, weightBudget, limits, train, maxStaleness } = contract;
  const strategy = aggregationStrategy(contract.aggregation, train);
  const { fold } = strategy;
  const parts = openParts(contract.uplink, manifest, contract.subModels);
  /** The tensors that share a payload, by their places in the manifest. */
  const uplinkPlaces = parts
    .of(1, null)
    .plan.whole.map(({ tensors }) => tensors.map((tensor) => manifest.tensors.indexOf(tensor)));
  const downlink = planGroups(contract.downlink, manifest, "downlink");
  const manifestId = shortDigest(manifestDigest(manifest));
  const downlinkId = shortDigest(planDigest(contract.downlink, manifest));
  const stepRules: StepRules = {
    manifest,
    masks: contract.masks,
    optimizer: strategy.optimizer,
    downlink,
    seed: contract.source.seed,
  };
  const keepsReports = fold.kind === "robust" || contract.keepsUpdates;
  /** Each update is decoded into the memory of the one before. */
  const scratch = reusedScratch();
  const reportRules = { manifest, manifestId, train, limits, keepsReports, scratch };

  const first = firstState(contract, strategy, downlink);
  const before = snapshot === null ? first : decodeSnapshot(snapshot, contract, first);
  const histories = before.histories && openHistories(before.histories, manifestId, maxStaleness);
  const source = contract.seeded ? contract.source : null;
  const chain = openChain(before.chain, source, contract.initial, () => histories?.frames() ?? []);
  const owners = openOwners(contract, parts, before.owners);
  const verdicts = openVerdicts(before.verdicts);
  const control = strategy.control && openControl(strategy.control, before.control!);
  let { round, step, usual, teachers } = before;
  let modelNorm = paramsNorm(chain.model().params);
  let sums: Tally["sums"] | undefined;
  let open: Gathering | null = null;

  const check: Book["check"] = (clientId, bytes, expected) => {
    assert(open !== null, "a report is checked while its round is open");
    const { plan, width } = owners.partOf(clientId, expected.round);
    const checked = checkReport(bytes, clientId, {
      ...expected,
      ...reportRules,
      plan,
      priors: ownedPriors(histories?.of(expected.baseVersion) ?? null, plan),
      width,
      exponents: usual.exponents,
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

  const gate = ({ norm }: CheckedUpdate): string | null =>
    gateProblem(norm, longest(contract.aggregation.gates, usual.norms, modelNorm));

  const weigh = (update: UpdateMessage): Weight =>
    strategy.weigh(update, { version: chain.model().version, ...usual });

  /** In the order of client ids, whatever order they came in. */
  const foldOf = (tally: Tally | null, readings: readonly Reading[]): Aggregate => {
    if (fold.kind === "linear") return fold.mean(tally!);
    const { aggregation, foldBytes } = contract;
    const { attackers } = aggregation;
    const sorted = [...readings].sort((a, b) => (a.clientId < b.clientId ? -1 : 1));
    return fold.rule.combine(sorted, { manifest, attackers, previous: step.previous, bytes: foldBytes });
  };

  const openRound: Book["openRound"] = (opened, cohort, exponents, widths) => {
    round = opened;
    usual = { ...usual, exponents };
    const grid = { exponents, weightBudget };
    const tally = fold.kind === "linear" ? emptyTally(manifest, grid, sums, fold.countsSenders) : null;
    sums = tally?.sums;
    const { version } = chain.model();
    const masks = isExploring(contract.masks, version + 1) ? null : step.masks.masks;
    owners.openRound({ round, version, masks }, cohort, widths);
    open = nothingGathered(round, cohort, tally, manifest);
  };

  const accept: Book["accept"] = (checked, weight, digest) => {
    assert(open !== null, "a report is folded while a round is open");
    gather(open, checked, { weight, digest }, { train, keepsReports, lastSteps: usual.lastSteps });
  };

  /** The next version of the model, with the frames that lead there. */
  const commit = ({ tally, readings, weights }: Gathering): void => {
    const model = chain.model();
    if (contract.keepsUpdates) teachers = teachersOf(model, readings, train);
    control?.follow(tally!, weights);
    const committed = { aggregate: foldOf(tally, readings), votes: tally ?? votesOf(readings, manifest) };
    const history = histories?.newest() ?? null;
    const next = modelStep(stepRules, step, { ...model, history }, committed, (target, owed) =>
      observe(round, target, owed),
    );
    step = next.state;
    if (next.history !== null) histories!.follow(next.history);
    modelNorm = paramsNorm(next.params);
    const { masks } = step.masks;
    const ofMasks = masks && parts.frameOf(parts.publish(masks));
    const delta = (digest: string): Uint8Array =>
      encodeFrame({
        kind: "delta",
        version: model.version + 1,
        manifest: manifestId,
        plan: downlinkId,
        digest: shortDigest(digest),
        payloads: next.payloads,
      });
    const frames = (digest: string) => [...(next.tellsMasks ? [ofMasks!] : []), delta(digest)];
    chain.push(next.params, frames, ofMasks);
  };

  const close: Book["close"] = (outcome) => {
    assert(open !== null, "an open round closes");
    const closing = open;
    open = null;
    usual = usualAfter(usual, closing.seen, outcome, {
      groups: uplinkPlaces,
      keepsBounds: maxStaleness > 0,
    });
    if (outcome === "commit") commit(closing);
    const { version } = chain.model();
    for (const [clientId, report] of closing.accepted)
      verdicts.settle(
        clientId,
        report,
        outcome === "commit" ? { outcome: "folded", version } : { outcome: "dropped", version: null },
      );
  };

  const isPending = (clientId: ClientId, { round: asked, digest }: ReportId): boolean => {
    const accepted = open?.accepted.get(clientId);
    return accepted?.round === asked && accepted.digest === digest;
  };

  const verdictOf: Book["verdictOf"] = (clientId, report) => {
    if (isPending(clientId, report)) return { report, outcome: "unknown", version: null };
    const settled = verdicts.of(clientId, report);
    if (settled !== null) return { report, ...settled };
    // Who checks in is not asked for an earlier round's report any more, so that what was not accepted is dropped for good.
    const isOver = report.round < round || (report.round === round && open === null);
    return { report, outcome: isOver ? "dropped" : "unknown", version: null };
  };

  const wasAccepted: Book["wasAccepted"] = (clientId, report) => {
    const settled = verdicts.of(clientId, report);
    return isPending(clientId, report) || (settled !== null && settled.outcome !== "refused");
  };

  /** The model's frames, and after them its control variate, which there is of the newest version only. */
  const catchUp: Book["catchUp"] = (held, target, whole) => {
    if (control === null) return chain.catchUp(held, target, whole);
    const ofModel = chain.catchUp(held, undefined, whole);
    if (ofModel.frames.length === 0) return ofModel;
    return { ...ofModel, frames: [...ofModel.frames, ...control.frames(chain.held().version)] };
  };

  const state = (): BookState => ({
    round,
    chain: chain.state(),
    step,
    usual,
    control: control?.state() ?? null,
    owners: owners.state(),
    histories: histories?.state() ?? null,
    teachers,
    verdicts: verdicts.rows(),
  });

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
    partOf: owners.partOf,
    masksFrame: parts.frameOf,
    bytesPerCoordinate: () => usual.bytesPerCoordinate,
    overdueWidth: (rounds) => usual.uncovered.findLast((one) => one.rounds >= rounds)?.width ?? 0,
    accept,
    close,
    wasAccepted,
    refuse: (asked, clientId, digest) =>
      verdicts.settle(clientId, { round: asked, digest }, { outcome: "refused", version: null }),
    verdictOf,
    catchUp,
    lastDeltaBytes: chain.lastDeltaBytes,
    lastClientModels: () => (teachers === null ? [] : teacherModels(teachers)),
    snapshot: () => {
      assert(open === null, "a snapshot is taken while no round is open");
      return encodeSnapshot(state(), contract);
    },
  };
}
