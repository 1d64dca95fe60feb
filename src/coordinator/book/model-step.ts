import type { Aggregate } from "../../aggregation/aggregate.ts";
import type { MaskRules } from "../../aggregation/mask-step.ts";
import type { OptimizerState, ServerOptimizer } from "../../aggregation/server-optimizer.ts";
import type { Votes } from "../../aggregation/votes.ts";
import { budgetOf, headBytes, roomIn } from "../../compress/budget.ts";
import { decodeDelta, encodeDelta, type Residual } from "../../compress/error-feedback.ts";
import { foldHistory, type History, priorsOf } from "../../compress/history.ts";
import { zeroOutsideGroups } from "../../compress/owned.ts";
import type { PlanGroup } from "../../compress/plan.ts";
import type { Manifest } from "../../model/manifest.ts";
import { ownedParams } from "../../model/masks.ts";
import type { Model } from "../../model/message.ts";
import { deriveSeed } from "../../model/rng.ts";
import type { Params } from "../../model/tensor.ts";
import { encodeFrame } from "../../wire/frame.ts";
import { applyDelta } from "../../wire/update.ts";
import { type ModelMasks, nextModelMasks } from "./model-masks.ts";

/** What the next version depends on besides the model and the round's reports: a part of the book's state. */
export interface StepState {
  /** What the downlink left out so far. */
  readonly residual: Residual;
  readonly optimizer: OptimizerState;
  readonly masks: ModelMasks;
  /** What the last committed round came to, for folds that start from there; null before there was one. */
  readonly previous: Params | null;
}

/** What stays the same all run long. */
export interface StepRules {
  readonly manifest: Manifest;
  readonly masks: MaskRules;
  readonly optimizer: ServerOptimizer;
  readonly downlink: readonly PlanGroup[];
  /** The run's. */
  readonly seed: number;
}

export interface Step {
  readonly params: Params;
  /** What leads there, as every client will decode it. */
  readonly payloads: readonly Uint8Array[];
  /** Whether masks have to come along: they are others than before, or the codec turns their zeros into values. */
  readonly tellsMasks: boolean;
  /** What both ends know after it; null where no plan has history. */
  readonly history: History | null;
  readonly state: StepState;
}

/** Sees a step of the model, and what the server owes beside it, before both are encoded; must leave them alone. */
export type StepObserver = (target: Params, owed: Residual) => void;

/** One step of the global model: optimizer, masks, and the same codec downwards with the server's own residual. */
export function modelStep(
  { manifest, masks: maskRules, optimizer, downlink, seed }: StepRules,
  before: StepState,
  { version: oldVersion, params: old, history }: Model & Pick<Step, "history">,
  { aggregate, votes }: { readonly aggregate: Aggregate; readonly votes: Votes },
  observe: StepObserver,
): Step {
  const version = oldVersion + 1;
  const [step, moments] = optimizer.step(aggregate, before.optimizer);
  const next = nextModelMasks(maskRules, before.masks, {
    version,
    manifest,
    votes,
    aggregate,
    params: old,
    step,
  });
  const { masks } = next;
  const target = ownedParams(step, masks);
  const owed = masks === null ? before.residual : zeroOutsideGroups(before.residual, downlink, masks);
  observe(target, owed);
  const priors = priorsOf(downlink, history);
  const budget = budgetOf(downlink.map(({ rule }) => rule));
  const ofDelta = (payloads: readonly Uint8Array[]): Uint8Array =>
    encodeFrame({ kind: "delta", version, manifest: 0, plan: 0, digest: 0, payloads });
  const room =
    budget && "bytesPerRound" in budget ? roomIn(budget.bytesPerRound, headBytes(downlink, ofDelta)) : null;
  const { payloads, residual } = encodeDelta(
    downlink,
    target,
    owed,
    Infinity,
    deriveSeed(seed, "downlink", version),
    priors,
    room,
  );
  const sent = decodeDelta(downlink, payloads, undefined, priors);
  const moved = applyDelta(old, sent);
  const params = ownedParams(moved, masks);
  return {
    params,
    payloads,
    tellsMasks: masks !== null && (masks !== before.masks.masks || !isSameModel(moved, params)),
    history: history && foldHistory(history, sent),
    state: {
      residual,
      optimizer: moments.map((moment) => ownedParams(moment, masks)),
      masks: next,
      previous: ownedParams(aggregate.delta, masks),
    },
  };
}

const isSameModel = (a: Params, b: Params): boolean =>
  a === b || [...a].every(([name, { data }]) => data.every((v, i) => v === b.get(name)!.data[i]));
