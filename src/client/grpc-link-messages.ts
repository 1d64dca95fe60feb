import type { Augment__Output } from "../generated/fedpress/v1/Augment.ts";
import type { CheckIn as CheckInFields } from "../generated/fedpress/v1/CheckIn.ts";
import type { CoordinatorSignal__Output } from "../generated/fedpress/v1/CoordinatorSignal.ts";
import type { FetchRequest } from "../generated/fedpress/v1/FetchRequest.ts";
import type { Manifest__Output } from "../generated/fedpress/v1/Manifest.ts";
import type { PlanRule__Output } from "../generated/fedpress/v1/PlanRule.ts";
import type { Receipt__Output } from "../generated/fedpress/v1/Receipt.ts";
import type { Refusal__Output } from "../generated/fedpress/v1/Refusal.ts";
import type { ResidualDecay__Output } from "../generated/fedpress/v1/ResidualDecay.ts";
import type { Schedule__Output } from "../generated/fedpress/v1/Schedule.ts";
import type { Task__Output } from "../generated/fedpress/v1/Task.ts";
import type { TaskPart__Output } from "../generated/fedpress/v1/TaskPart.ts";
import type { TrainSettings__Output } from "../generated/fedpress/v1/TrainSettings.ts";
import type { Verdict__Output } from "../generated/fedpress/v1/Verdict.ts";
import type { Manifest } from "../model/manifest.ts";
import { numParams } from "../model/manifest.ts";
import type {
  Augment,
  CheckIn,
  CheckInReply,
  Exponents,
  FetchModel,
  Optimizer,
  PlanRule,
  Receipt,
  Refusal,
  ReportId,
  ResidualDecay,
  Schedule,
  Task,
  TaskPart,
  TrainSettings,
  Verdict,
} from "../model/protocol.ts";
import {
  bad,
  bytesOf,
  decodeHeld,
  decodeReportId,
  encodeHeld,
  encodeReportId,
  hexOf,
  identifier,
  integer,
  matching,
  oneOf,
  present,
  real,
  tensorName,
} from "../wire/link-fields.ts";
import { decodeCodec } from "./grpc-link-codec.ts";

/** The client's half of proto/fedpress/v1: writes what it asks, reads what the coordinator answers. */

export type Signal = { readonly kind: "welcome"; readonly session: string } | CheckInReply;

/** Throws WireError `bad-field` for anything outside the ranges of the .proto files, as do all that follow. */
export function decodeSignal({ welcome, task, finished, refused }: CoordinatorSignal__Output): Signal {
  if (welcome) return { kind: "welcome", session: hexOf(welcome.session, "welcome.session", 16) };
  if (task)
    return {
      kind: "task",
      task: decodeTask(present(task.task, "task")),
      verdict: decodeVerdict(task.verdict),
    };
  if (finished) return { kind: "finished", verdict: decodeVerdict(finished.verdict) };
  if (refused) return { kind: "refused", refusal: decodeRefusal(refused) };
  throw bad("signal", "none of the kinds this build knows");
}

export function decodeReceipt({ accepted, refused }: Receipt__Output): Receipt {
  if (accepted) return { kind: "accepted", report: decodeReportId(accepted, "receipt.accepted") };
  if (refused) return { kind: "refused", refusal: decodeRefusal(refused) };
  throw bad("receipt", "neither accepted nor refused");
}

export const encodeCheckIn = ({ runId, numExamples, held, pending, device }: CheckIn): CheckInFields => ({
  ...(runId === null ? {} : { runId }),
  numExamples,
  held: held && encodeHeld(held),
  pending: pending && encodeReportId(pending),
  ...(device && { device }),
});

export const encodeFetch = ({ held, version, masks }: FetchModel): FetchRequest => ({
  held: held && encodeHeld(held),
  version,
  ...(masks !== undefined && { masks: bytesOf(masks) }),
});

export const encodeReportHeader = (report: ReportId, frameBytes: number) => ({
  report: encodeReportId(report),
  frameBytes,
});

const decodeRefusal = ({ code, detail, retry }: Refusal__Output): Refusal => {
  if (detail.length > 4096) throw bad("refusal.detail", `${detail.length} characters, at most 4096`);
  return { code: matching(code, "refusal.code", /^[a-z0-9-]{1,64}$/), detail, retry };
};

const OUTCOMES = {
  OUTCOME_FOLDED: "folded",
  OUTCOME_DROPPED: "dropped",
  OUTCOME_REFUSED: "refused",
  OUTCOME_UNKNOWN: "unknown",
} as const;

function decodeVerdict(fields: Verdict__Output | null): Verdict | null {
  if (fields === null) return null;
  const outcome = oneOf(OUTCOMES, fields.outcome, "verdict.outcome");
  if ((outcome === "folded") !== (fields.version !== undefined))
    throw bad("verdict.version", "present exactly when folded");
  return {
    report: decodeReportId(present(fields.report, "verdict.report"), "verdict.report"),
    outcome,
    version: fields.version === undefined ? null : integer(fields.version, "verdict.version"),
  };
}

function decodeTask(fields: Task__Output): Task {
  const model = present(fields.model, "task.model");
  const manifest = decodeManifest(present(fields.manifest, "task.manifest"));
  return {
    runId: identifier(fields.runId, "task.run_id"),
    round: integer(fields.round, "task.round"),
    base: decodeHeld(present(fields.base, "task.base"), "task.base"),
    model: {
      zoo: identifier(model.zoo, "task.model.zoo"),
      seed: integer(model.seed, "task.model.seed"),
    },
    manifest,
    train: decodeTrain(present(fields.train, "task.train")),
    uplink: decodePlan(fields.uplink, "task.uplink"),
    downlink: decodePlan(fields.downlink, "task.downlink"),
    exponents: decodeExponents(fields.exponents, manifest),
    ...(fields.part && { part: decodePart(fields.part) }),
    reportDeadlineMs: integer(fields.reportDeadlineMs, "task.report_deadline_ms", 1, 2 ** 31 - 1),
    sharedSeed: integer(fields.sharedSeed, "task.shared_seed"),
  };
}

const decodePart = ({ width, masks }: TaskPart__Output): TaskPart => ({
  width: real(width, "task.part.width", (v) => v > 0 && v <= 1, "above 0, at most 1"),
  masks: hexOf(masks, "task.part.masks"),
});

function decodeManifest({ tensors }: Manifest__Output): Manifest {
  integer(tensors.length, "task.manifest.tensors.length", 1, 4096);
  const manifest = {
    tensors: tensors.map(({ name, shape }, i) => {
      const place = `task.manifest.tensors[${i}]`;
      integer(shape.length, `${place}.shape.length`, 0, 8);
      return {
        name: tensorName(name, `${place}.name`),
        shape: shape.map((n, axis) => integer(n, `${place}.shape[${axis}]`, 1, 2 ** 31 - 1)),
      };
    }),
  };
  if (new Set(manifest.tensors.map(({ name }) => name)).size < tensors.length)
    throw bad("task.manifest", "two tensors have one name");
  integer(numParams(manifest), "task.manifest coordinates", 1, 2 ** 31 - 1);
  return manifest;
}

function decodeExponents(exponents: readonly number[], { tensors }: Manifest): Exponents {
  integer(exponents.length, "task.exponents.length", tensors.length, tensors.length);
  return exponents.map((exponent, i) => integer(exponent, `task.exponents[${i}]`, -100, 100));
}

const MAX_COUNT = 2 ** 31 - 1;

/** What is off on the wire, as 0 or absent, is left out. */
function decodeTrain(fields: TrainSettings__Output): TrainSettings {
  const { schedule, augment } = fields;
  const proximal = notNegative(fields.proximal, "task.train.proximal");
  const clipNorm = notNegative(fields.clipNorm, "task.train.clip_norm");
  const updateClipNorm = notNegative(fields.updateClipNorm, "task.train.update_clip_norm");
  const weightDecay = notNegative(fields.weightDecay, "task.train.weight_decay");
  const labelSmoothing = real(
    fields.labelSmoothing,
    "task.train.label_smoothing",
    (v) => v >= 0 && v < 1,
    "0 or more, below 1",
  );
  return {
    epochs: integer(fields.epochs, "task.train.epochs", 1, 2 ** 16),
    batchSize: integer(fields.batchSize, "task.train.batch_size", 1, 2 ** 16),
    optimizer: decodeOptimizer(fields),
    ...(schedule && { schedule: decodeSchedule(schedule) }),
    ...(proximal > 0 && { proximal }),
    ...(clipNorm > 0 && { clipNorm }),
    ...(updateClipNorm > 0 && { updateClipNorm }),
    ...(weightDecay > 0 && { weightDecay }),
    ...(labelSmoothing > 0 && { labelSmoothing }),
    ...(augment && { augment: decodeAugment(augment) }),
    ...(fields.perStep && { perStep: true as const }),
    ...(fields.controlVariates && { controlVariates: true as const }),
    ...(fields.residualDecay && { residualDecay: decodeResidualDecay(fields.residualDecay) }),
  };
}

const notNegative = (value: number, place: string): number => real(value, place, (v) => v >= 0, "0 or more");

function decodeSchedule({ warmUpSteps, step, cosine }: Schedule__Output): Schedule {
  const place = "task.train.schedule";
  return {
    warmUpSteps: integer(warmUpSteps, `${place}.warm_up_steps`, 0, MAX_COUNT),
    decay: step
      ? {
          step: {
            everySteps: integer(step.everySteps, `${place}.step.every_steps`, 1, MAX_COUNT),
            factor: real(step.factor, `${place}.step.factor`, (v) => v > 0 && v <= 1, "above 0, at most 1"),
          },
        }
      : cosine
        ? {
            cosine: { floor: real(cosine.floor, `${place}.cosine.floor`, (v) => v >= 0 && v <= 1, "0 to 1") },
          }
        : "constant",
  };
}

function decodeAugment(fields: Augment__Output): Augment {
  const place = "task.train.augment";
  const shift = integer(fields.shift, `${place}.shift`, 0, 1024);
  const noise = notNegative(fields.noise, `${place}.noise`);
  return {
    ...(shift > 0 && { shift }),
    ...(fields.flip && { flip: true }),
    ...(noise > 0 && { noise }),
  };
}

function decodeResidualDecay({ afterRounds, factor }: ResidualDecay__Output): ResidualDecay {
  const place = "task.train.residual_decay";
  return {
    afterRounds: integer(afterRounds, `${place}.after_rounds`, 0, MAX_COUNT),
    factor: real(factor, `${place}.factor`, (v) => v >= 0 && v < 1, "0 or more, below 1"),
  };
}

function decodeOptimizer({ sgd, adam }: Pick<TrainSettings__Output, "sgd" | "adam">): Optimizer {
  const { learningRate } = present(sgd ?? adam, "task.train.optimizer");
  const rate = real(learningRate, "task.train.optimizer.learning_rate", (v) => v > 0, "above 0");
  if (!sgd) return { adam: { learningRate: rate } };
  const place = "task.train.optimizer.momentum";
  return {
    sgd: {
      learningRate: rate,
      momentum: real(sgd.momentum, place, (v) => v >= 0 && v < 1, "0 or more, below 1"),
    },
  };
}

function decodePlan(rules: readonly PlanRule__Output[], place: string): PlanRule[] {
  integer(rules.length, `${place}.length`, 1, 1024);
  return rules.map(({ tensors, codec, errorFeedback }, i) => ({
    tensors: tensorName(tensors, `${place}[${i}].tensors`),
    codec: decodeCodec(present(codec, `${place}[${i}].codec`), `${place}[${i}].codec`),
    errorFeedback,
  }));
}
