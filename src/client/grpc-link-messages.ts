import type { CheckIn as CheckInFields } from "../generated/fedpress/v1/CheckIn.ts";
import type { CoordinatorSignal__Output } from "../generated/fedpress/v1/CoordinatorSignal.ts";
import type { FetchRequest } from "../generated/fedpress/v1/FetchRequest.ts";
import type { Manifest__Output } from "../generated/fedpress/v1/Manifest.ts";
import type { ModelHeader__Output } from "../generated/fedpress/v1/ModelHeader.ts";
import type { PlanRule__Output } from "../generated/fedpress/v1/PlanRule.ts";
import type { Receipt__Output } from "../generated/fedpress/v1/Receipt.ts";
import type { Refusal__Output } from "../generated/fedpress/v1/Refusal.ts";
import type { Standing__Output } from "../generated/fedpress/v1/Standing.ts";
import type { Task__Output } from "../generated/fedpress/v1/Task.ts";
import type { TaskPart__Output } from "../generated/fedpress/v1/TaskPart.ts";
import type { Verdict__Output } from "../generated/fedpress/v1/Verdict.ts";
import type { Manifest } from "../model/manifest.ts";
import { numParams } from "../model/manifest.ts";
import type {
  CheckIn,
  CheckInReply,
  Exponents,
  FetchModel,
  PlanRule,
  Receipt,
  Refusal,
  ReportId,
  Standing,
  Task,
  TaskPart,
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
import { decodeTrain } from "./grpc-link-train.ts";

/** The client's half of proto/fedpress/v1: writes what it asks, reads what the coordinator answers. */

export type Signal =
  | { readonly kind: "welcome"; readonly session: string }
  | { readonly kind: "heard"; readonly round: number; readonly refusal: Refusal | null }
  | CheckInReply;

/** Throws WireError `bad-field` for anything outside the ranges of the .proto files, as do all that follow. */
export function decodeSignal(fields: CoordinatorSignal__Output): Signal {
  const { welcome, heard, task, finished, refused } = fields;
  if (welcome) return { kind: "welcome", session: hexOf(welcome.session, "welcome.session", 16) };
  if (heard) {
    const refusal = heard.refused && decodeRefusal(heard.refused);
    return { kind: "heard", round: integer(heard.round, "heard.round"), refusal };
  }
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

export function decodeStanding({ accepted, wanted, refused }: Standing__Output): Standing {
  if (accepted) return { kind: "accepted", report: decodeReportId(accepted, "standing.accepted") };
  if (wanted)
    return { kind: "wanted", receivedBytes: integer(wanted.receivedBytes, "standing.wanted.received_bytes") };
  if (refused) return { kind: "refused", refusal: decodeRefusal(refused) };
  throw bad("standing", "neither accepted nor wanted nor refused");
}

/** What a download begins with. */
export interface Announced {
  readonly frameBytes: readonly number[];
  readonly transfer: string;
  readonly offset: number;
}

export const decodeModelHeader = ({ frameBytes, transfer, offset }: ModelHeader__Output): Announced => ({
  frameBytes,
  transfer: hexOf(transfer, "header.transfer"),
  offset: integer(offset, "header.offset", 0, Number.MAX_SAFE_INTEGER),
});

export const encodeCheckIn = ({ runId, numExamples, held, pending, device }: CheckIn): CheckInFields => ({
  ...(runId === null ? {} : { runId }),
  numExamples,
  held: held && encodeHeld(held),
  pending: pending && encodeReportId(pending),
  ...(device && { device }),
});

export const encodeFetch = ({ held, version, masks, resume, whole }: FetchModel): FetchRequest => ({
  held: held && encodeHeld(held),
  version,
  ...(masks !== undefined && { masks: bytesOf(masks) }),
  ...(whole && { whole }),
  ...(resume && { resume: { transfer: bytesOf(resume.transfer), offset: resume.offset } }),
});

export const encodeReportHeader = (report: ReportId, frameBytes: number, offset: number) => ({
  report: encodeReportId(report),
  frameBytes,
  offset,
});

const MAX_COUNT = 2 ** 31 - 1;

const decodeRefusal = ({ code, detail, retry, retryAfterMs }: Refusal__Output): Refusal => {
  if (detail.length > 4096) throw bad("refusal.detail", `${detail.length} characters, at most 4096`);
  if (retryAfterMs !== undefined && !retry) throw bad("refusal.retry_after_ms", "without retry");
  return {
    code: matching(code, "refusal.code", /^[a-z0-9-]{1,64}$/),
    detail,
    retry,
    ...(retryAfterMs !== undefined && {
      retryAfterMs: integer(retryAfterMs, "refusal.retry_after_ms", 0, MAX_COUNT),
    }),
  };
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
    reportDeadlineMs: integer(fields.reportDeadlineMs, "task.report_deadline_ms", 1, MAX_COUNT),
    heartbeatMs: integer(fields.heartbeatMs, "task.heartbeat_ms", 1, MAX_COUNT),
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

function decodePlan(rules: readonly PlanRule__Output[], place: string): PlanRule[] {
  integer(rules.length, `${place}.length`, 1, 1024);
  return rules.map(({ tensors, codec, errorFeedback, history }, i) => ({
    tensors: tensorName(tensors, `${place}[${i}].tensors`),
    codec: decodeCodec(present(codec, `${place}[${i}].codec`), `${place}[${i}].codec`),
    errorFeedback,
    ...(history && { history }),
  }));
}
