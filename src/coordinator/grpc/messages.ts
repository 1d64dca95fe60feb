import type { CheckIn__Output } from "../../generated/fedpress/v1/CheckIn.ts";
import type { ClientSignal__Output } from "../../generated/fedpress/v1/ClientSignal.ts";
import type { Codec } from "../../generated/fedpress/v1/Codec.ts";
import type { CoordinatorSignal } from "../../generated/fedpress/v1/CoordinatorSignal.ts";
import type { DeviceProfile__Output } from "../../generated/fedpress/v1/DeviceProfile.ts";
import type { FetchRequest__Output } from "../../generated/fedpress/v1/FetchRequest.ts";
import type { Heard as HeardFields } from "../../generated/fedpress/v1/Heard.ts";
import type { PlanRule as PlanRuleFields } from "../../generated/fedpress/v1/PlanRule.ts";
import type { Receipt as ReceiptFields } from "../../generated/fedpress/v1/Receipt.ts";
import type { Refusal as RefusalFields } from "../../generated/fedpress/v1/Refusal.ts";
import type { ReportHeader__Output } from "../../generated/fedpress/v1/ReportHeader.ts";
import type { Schedule as ScheduleFields } from "../../generated/fedpress/v1/Schedule.ts";
import type { Standing as StandingFields } from "../../generated/fedpress/v1/Standing.ts";
import type { Task as TaskFields } from "../../generated/fedpress/v1/Task.ts";
import type { TrainSettings as TrainFields } from "../../generated/fedpress/v1/TrainSettings.ts";
import type { Verdict as VerdictFields } from "../../generated/fedpress/v1/Verdict.ts";
import { type ClientId, MAX_NUM_EXAMPLES } from "../../model/message.ts";
import type {
  CheckIn,
  CheckInReply,
  CodecSpec,
  FetchModel,
  PlanRule,
  Receipt,
  Refusal,
  Schedule,
  Standing,
  Task,
  TrainSettings,
  Verdict,
} from "../../model/protocol.ts";
import type { DeviceProfile } from "../../model/submodel.ts";
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
  present,
} from "../../wire/link-fields.ts";
import type { Announced } from "../sessions/uploads.ts";

/** The coordinator's half of proto/fedpress/v1: reads what clients send, writes what they get. */

export type Signal =
  | { readonly kind: "hello"; readonly protocol: number; readonly clientId: ClientId }
  | { readonly kind: "check-in"; readonly request: CheckIn }
  | { readonly kind: "heartbeat"; readonly round: number };

/** Throws WireError `bad-field` for anything outside the ranges of the .proto files, as do all that follow. */
export function decodeSignal({ hello, checkIn, heartbeat }: ClientSignal__Output): Signal {
  if (hello) {
    const protocol = integer(hello.protocol, "hello.protocol", 1);
    return { kind: "hello", protocol, clientId: identifier(hello.clientId, "hello.client_id") };
  }
  if (checkIn) return { kind: "check-in", request: decodeCheckIn(checkIn) };
  if (heartbeat) return { kind: "heartbeat", round: integer(heartbeat.round, "heartbeat.round") };
  throw bad("signal", "neither a hello nor a check-in nor a heartbeat");
}

const decodeCheckIn = ({ runId, numExamples, held, pending, device }: CheckIn__Output): CheckIn => ({
  runId: runId === undefined ? null : identifier(runId, "check_in.run_id"),
  numExamples: integer(numExamples, "check_in.num_examples", 1, MAX_NUM_EXAMPLES),
  held: held ? decodeHeld(held, "check_in.held") : null,
  pending: pending ? decodeReportId(pending, "check_in.pending") : null,
  ...(device && { device: decodeDevice(device) }),
});

/** What does not bind the client, as 0 on the wire, is left out. */
function decodeDevice(fields: DeviceProfile__Output): DeviceProfile {
  const place = "check_in.device";
  const most = Number.MAX_SAFE_INTEGER;
  const memoryBytes = integer(fields.memoryBytes, `${place}.memory_bytes`, 0, most);
  const uplink = integer(fields.uplinkBytesPerSecond, `${place}.uplink_bytes_per_second`, 0, most);
  return { ...(memoryBytes > 0 && { memoryBytes }), ...(uplink > 0 && { uplinkBytesPerSecond: uplink }) };
}

export const decodeFetch = ({ held, version, masks, resume, whole }: FetchRequest__Output): FetchModel => ({
  held: held ? decodeHeld(held, "fetch.held") : null,
  version: integer(version, "fetch.version"),
  ...(masks !== undefined && { masks: hexOf(masks, "fetch.masks") }),
  ...(whole && { whole: true }),
  ...(resume && {
    resume: {
      transfer: hexOf(resume.transfer, "fetch.resume.transfer"),
      offset: integer(resume.offset, "fetch.resume.offset", 0, Number.MAX_SAFE_INTEGER),
    },
  }),
});

export const decodeReportHeader = ({ report, frameBytes, offset }: ReportHeader__Output): Announced => ({
  report: decodeReportId(present(report, "header.report"), "header.report"),
  frameBytes: integer(frameBytes, "header.frame_bytes"),
  offset: integer(offset, "header.offset"),
});

export const encodeHeard = (round: number, refusal: Refusal | null): HeardFields => ({
  round,
  ...(refusal !== null && { refused: encodeRefusal(refusal) }),
});

export function encodeStanding(standing: Standing): StandingFields {
  switch (standing.kind) {
    case "accepted":
      return { accepted: encodeReportId(standing.report) };
    case "wanted":
      return { wanted: { receivedBytes: standing.receivedBytes } };
    case "refused":
      return { refused: encodeRefusal(standing.refusal) };
  }
}

export function encodeReply(reply: CheckInReply): CoordinatorSignal {
  switch (reply.kind) {
    case "task":
      return { task: { task: encodeTask(reply.task), ...encodeVerdict(reply.verdict) } };
    case "finished":
      return { finished: encodeVerdict(reply.verdict) };
    case "refused":
      return { refused: encodeRefusal(reply.refusal) };
  }
}

export const encodeReceipt = (receipt: Receipt): ReceiptFields =>
  receipt.kind === "accepted"
    ? { accepted: encodeReportId(receipt.report) }
    : { refused: encodeRefusal(receipt.refusal) };

const MAX_DETAIL = 4096;

export const encodeRefusal = ({ code, detail, retry, retryAfterMs }: Refusal): RefusalFields => ({
  code,
  detail: detail.slice(0, MAX_DETAIL),
  retry,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});

const OUTCOMES = {
  folded: "OUTCOME_FOLDED",
  dropped: "OUTCOME_DROPPED",
  refused: "OUTCOME_REFUSED",
  unknown: "OUTCOME_UNKNOWN",
} as const;

function encodeVerdict(verdict: Verdict | null): { verdict?: VerdictFields } {
  if (verdict === null) return {};
  const { report, outcome, version } = verdict;
  const fields = { report: encodeReportId(report), outcome: OUTCOMES[outcome] };
  return { verdict: version === null ? fields : { ...fields, version } };
}

const encodeTask = (task: Task): TaskFields => ({
  runId: task.runId,
  round: task.round,
  base: encodeHeld(task.base),
  model: { ...task.model },
  manifest: { tensors: task.manifest.tensors.map(({ name, shape }) => ({ name, shape: [...shape] })) },
  train: encodeTrain(task.train),
  uplink: task.uplink.map(encodeRule),
  downlink: task.downlink.map(encodeRule),
  exponents: [...task.exponents],
  ...(task.part && { part: { width: task.part.width, masks: bytesOf(task.part.masks) } }),
  reportDeadlineMs: task.reportDeadlineMs,
  heartbeatMs: task.heartbeatMs,
  sharedSeed: task.sharedSeed,
});

const encodeTrain = ({
  optimizer,
  schedule,
  augment,
  residualDecay,
  precision = "float32",
  ...numbers
}: TrainSettings): TrainFields => ({
  ...numbers,
  ...(precision !== "float32" && { precision: PRECISIONS[precision] }),
  ...optimizer,
  ...(schedule && { schedule: encodeSchedule(schedule) }),
  ...(augment && { augment: { ...augment } }),
  ...(residualDecay && { residualDecay: { ...residualDecay } }),
});

const PRECISIONS = { bfloat16: "PRECISION_BFLOAT16", float16: "PRECISION_FLOAT16" } as const;

const encodeSchedule = ({ warmUpSteps, decay }: Schedule): ScheduleFields => ({
  warmUpSteps,
  ...(decay === "constant" ? {} : decay),
});

const encodeRule = ({ tensors, codec, errorFeedback, history }: PlanRule): PlanRuleFields => ({
  tensors,
  codec: encodeCodec(codec),
  errorFeedback,
  ...(history && { history }),
});

const CODERS = {
  float32: "VALUE_CODER_FLOAT32",
  float16: "VALUE_CODER_FLOAT16",
  bfloat16: "VALUE_CODER_BFLOAT16",
  ternary: "VALUE_CODER_TERNARY",
  sign: "VALUE_CODER_SIGN",
} as const;

const encodeCodec = ({ select, values }: CodecSpec): Codec => ({
  ...encodeSelect(select),
  ...(typeof values === "string" ? { coder: CODERS[values] } : encodeValues(values)),
});

function encodeSelect(select: CodecSpec["select"]): Codec {
  if (select === "all") return {};
  if ("topK" in select) return select.rateDistortion ? { topKByRate: select.topK } : { topK: select.topK };
  if (!("budget" in select)) return select;
  const { budget, rateDistortion } = select;
  return { budget: { ...budget, ...(rateDistortion && { rateDistortion }) } };
}

function encodeValues(values: Exclude<CodecSpec["values"], string>): Codec {
  if ("uniform" in values)
    return values.rounding === "stochastic"
      ? { stochasticBits: values.uniform }
      : { uniformBits: values.uniform };
  if ("qsgd" in values) return { qsgdLevels: values.qsgd };
  if ("levels" in values) return { levels: values.levels === "auto" ? 1 : values.levels };
  return "eden" in values ? { edenBits: values.eden } : values;
}
