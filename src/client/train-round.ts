import { budgetOf, headBytes, roomIn } from "../compress/budget.ts";
import { encodeOwned, ownedPlan } from "../compress/owned.ts";
import { boundsOf, gather } from "../compress/plan.ts";
import { ownedPriors } from "../compress/priors.ts";
import { countOf, type Dataset } from "../model/dataset.ts";
import { localSteps, rateOf } from "../model/local-steps.ts";
import { digestOf, manifestDigest } from "../model/manifest.ts";
import { MAX_NUM_EXAMPLES } from "../model/message.ts";
import type { Precision, Task } from "../model/protocol.ts";
import { deriveSeed } from "../model/rng.ts";
import { deltaOf, mapParams } from "../model/tensor.ts";
import type { TrainResult } from "../trainer/trainer.ts";
import { encodeFrame, shortDigest } from "../wire/frame.ts";
import { correctionOf, ownAfter } from "./control.ts";
import { faded } from "./ledger.ts";
import { localModel } from "./local-model.ts";
import type { ClientOptions, ClientPorts } from "./loop.ts";
import type { ClientState } from "./state.ts";
import { budgetBytes } from "./upload-rate.ts";

/** What a client counts for in the mean. */
export const weightOf = (dataset: Dataset): number => Math.min(countOf(dataset), MAX_NUM_EXAMPLES);

/**
 * Trains on the base model, which is held: the state with the report that came of it, pending. `bytesPerSecond` is how fast
 * reports have gone out, for a budget in seconds.
 */
export async function trainRound(
  task: Task,
  state: ClientState,
  bytesPerSecond: number | null,
  { clientId, dataset, device }: ClientOptions,
  { trainer, log }: ClientPorts,
  signal: AbortSignal,
): Promise<ClientState> {
  const { round, manifest, train } = task;
  const base = state.held.params;
  const masks = state.masks?.masks ?? null;
  const { restore, ...local } = localModel(task.model.zoo, task.part?.width ?? 1, masks, base);
  const correction = correctionOf(state.controls);
  const result: TrainResult = await trainer.train(
    {
      ...local,
      dataset,
      ...train,
      ...(correction && { correction }),
      seed: deriveSeed(task.sharedSeed, "train", clientId),
    },
    signal,
  );
  const { trainLoss, numSkipped = 0 } = result;
  if (train.precision === "float16" && !Number.isFinite(trainLoss)) throw diverged(round, train.precision);
  log({ type: "trained", round, trainLoss, numSteps: result.numSteps, numSkipped });
  // a step that was skipped has moved nothing; who took none at all counts as one, and sends zeros
  const numSteps = Math.max(1, result.numSteps - numSkipped);
  const plan = ownedPlan(task.uplink, manifest, masks, "uplink");
  const {
    residual: residualBefore,
    discarded,
    ...absence
  } = faded(state, round, plan.whole, train.residualDecay);
  if (absence.share < 1) log({ type: "faded", round, ...absence });
  const moved = deltaOf(base, restore(result.params));
  const steps = train.perStep ? localSteps(train, numSteps) : 1;
  const trained = steps === 1 ? moved : mapParams(moved, ({ data }) => data.map((v) => v / steps));
  if (![...trained.values()].every(({ data }) => data.every(Number.isFinite)))
    throw diverged(round, train.precision);
  const frameOf = (coded: readonly Uint8Array[]): Uint8Array =>
    encodeFrame({
      kind: "update",
      round,
      baseVersion: state.held.version,
      manifest: shortDigest(manifestDigest(manifest)),
      plan: shortDigest(plan.digest),
      numExamples: weightOf(dataset),
      numSteps,
      trainLoss,
      payloads: coded,
    });
  const budget = budgetOf(task.uplink);
  const numOwned = plan.groups.reduce((sum, { length }) => sum + length, 0);
  const frameBytes =
    budget && budgetBytes(budget, bytesPerSecond, device?.uplinkBytesPerSecond || undefined, numOwned);
  const { payloads, plain, sent, residual, choice } = encodeOwned(
    plan,
    trained,
    residualBefore,
    boundsOf(plan.groups, manifest, task.exponents),
    deriveSeed(task.sharedSeed, "encode", clientId, round),
    ownedPriors(state.held.history, plan),
    frameBytes === null ? null : roomIn(frameBytes, headBytes(plan.groups, frameOf)),
  );
  const frame = frameOf(payloads);
  if (choice !== null) log({ type: "encoded", round, bytes: frame.length, budget: frameBytes, ...choice });
  const ownControl = train.controlVariates
    ? ownAfter(state.controls, trained, { groups: plan.whole, sent }, rateOf(train))
    : null;
  const report = { round, digest: digestOf(frame) };
  const delta = plan.whole.map((group) => gather(group, trained));
  return {
    ...state,
    residual,
    lastRound: round,
    discarded,
    pending: { report, frame, plain: plain && frameOf(plain), residualBefore, delta, ownControl },
  };
}

const diverged = (round: number, precision: Precision = "float32"): Error =>
  new Error(
    `training diverged in round ${round}: ${precision === "float16" ? "the loss or " : ""}the model is no number any more; ` +
      `lower train.optimizer's learningRate in the coordinator's config${
        precision === "float16" ? ", or take train.precision bfloat16, which has the range of float32" : ""
      }`,
  );
