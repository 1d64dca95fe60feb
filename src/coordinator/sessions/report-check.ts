import { measureDeltas } from "../../aggregation/exponents.ts";
import type { Reading } from "../../aggregation/robust/reading.ts";
import type { Priors } from "../../compress/error-feedback.ts";
import { isMasked, type OwnedPlan } from "../../compress/owned.ts";
import type { ReusedScratch } from "../../compress/scratch.ts";
import { WireError } from "../../model/error.ts";
import { mostSteps } from "../../model/local-steps.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { ClientId, UpdateMessage } from "../../model/message.ts";
import type { Exponents, TrainSettings } from "../../model/protocol.ts";
import { decodeFrame, shortDigest } from "../../wire/frame.ts";
import type { Limits } from "../../wire/limits.ts";
import { decodeUpdate } from "../../wire/update.ts";
import { checkReportBytes, reportBytes } from "./report-bytes.ts";

/** The round that asked for a report, this one or an earlier one, and the version of the model that it handed out. */
export interface ExpectedReport {
  readonly round: number;
  readonly baseVersion: number;
}

export interface CheckedUpdate {
  readonly update: UpdateMessage;
  /** Of the part of the model that it is about. */
  readonly width: number;
  /** The same, decoded anew whenever it is asked for: what was checked once cannot fail. It keeps the report's bytes. */
  readonly reading: Reading;
  /** The largest |delta| of every tensor. */
  readonly largest: readonly number[];
  readonly bytesPerCoordinate: number;
  /** Over all tensors. */
  readonly norm: number;
}

/** What a report has to be like. */
export interface ReportRules extends ExpectedReport {
  readonly manifest: Manifest;
  /** Its short digest. */
  readonly manifestId: number;
  /** Of what the client owns. */
  readonly plan: OwnedPlan;
  readonly width: number;
  /** Of the history of the version that the report is of. */
  readonly priors: Priors;
  readonly exponents: Exponents;
  readonly train: TrainSettings;
  readonly limits: Limits;
  /** Whether the report is kept: then it may not take more memory than the plan says. */
  readonly keepsReports: boolean;
  /** What every update is decoded into. */
  readonly scratch: ReusedScratch;
}

/** The update in a report's bytes, which are from a stranger. Throws WireError; knows nothing of other reports. */
export function checkReport(bytes: Uint8Array, clientId: ClientId, rules: ReportRules): CheckedUpdate {
  const { manifest, plan, exponents, train, limits } = rules;
  const frame = decodeFrame(bytes, limits);
  if (frame.kind !== "update") throw new WireError("bad-kind", "kind", `${frame.kind}, expected update`);
  const expect = (
    code: "wrong-round" | "wrong-base" | "wrong-manifest" | "wrong-plan",
    field: string,
    got: number,
    want: number,
  ): void => {
    if (got !== want) throw new WireError(code, field, `${got}, expected ${want}`);
  };
  expect("wrong-round", "round", frame.round, rules.round);
  expect("wrong-base", "baseVersion", frame.baseVersion, rules.baseVersion);
  expect("wrong-manifest", "manifest", frame.manifest, rules.manifestId);
  expect("wrong-plan", "plan", frame.plan, shortDigest(plan.digest));
  const read = (): UpdateMessage => {
    rules.scratch.reset();
    const claimed = decodeUpdate(frame, clientId, plan, rules.scratch, rules.priors);
    return { ...claimed, numSteps: Math.min(claimed.numSteps, mostSteps(train, claimed.numExamples)) };
  };
  const update = read();
  const { largest, norm } = measureDeltas(update, manifest, exponents);
  if (rules.keepsReports) checkReportBytes(bytes, update, reportBytes(plan.groups, isMasked(plan)));
  const numOwned = plan.groups.reduce((sum, { length }) => sum + length, 0);
  const bytesPerCoordinate = bytes.length / Math.max(1, numOwned);
  const reading = { clientId, masks: plan.masks, read };
  return { update, reading, width: rules.width, largest, norm, bytesPerCoordinate };
}
