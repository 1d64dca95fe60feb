import {
  type Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import type { FetchRequest__Output } from "../../generated/fedpress/v1/FetchRequest.ts";
import type { ModelChunk } from "../../generated/fedpress/v1/ModelChunk.ts";
import type { Receipt as ReceiptFields } from "../../generated/fedpress/v1/Receipt.ts";
import type { ReportId__Output } from "../../generated/fedpress/v1/ReportId.ts";
import type { Standing as StandingFields } from "../../generated/fedpress/v1/Standing.ts";
import { WireError } from "../../model/error.ts";
import type { ClientSession, ReportId, Standing } from "../../model/protocol.ts";
import { bytesOf, decodeReportId } from "../../wire/link-fields.ts";
import { isFinal } from "../sessions/refusals.ts";
import type { Uploads } from "../sessions/uploads.ts";
import { resetStream } from "./http2.ts";
import type { GrpcLimits } from "./limits.ts";
import { decodeFetch, encodeReceipt, encodeStanding } from "./messages.ts";
import { modelChunks } from "./model-chunks.ts";
import { type ReportCall, receiveReport, type Status } from "./receive.ts";

type FetchCall = ServerWritableStream<FetchRequest__Output, ModelChunk>;
type InquireCall = ServerUnaryCall<ReportId__Output, StandingFields>;

/** The calls that are about frames, each for a live session. */
export interface Transfers {
  fetchModel(call: FetchCall): void;
  inquire(call: InquireCall, respond: sendUnaryData<StandingFields>): void;
  report(call: ReportCall, respond: sendUnaryData<ReceiptFields>): void;
  /** Resolves when none is running. */
  idle(): Promise<void>;
}

export function frameTransfers(
  sessionOf: (metadata: Metadata) => ClientSession | null,
  limits: GrpcLimits,
  uploads: Uploads,
  onError: (error: unknown) => void,
): Transfers {
  const running = new Set<unknown>();
  let onIdle: () => void = () => {};

  const run = async (call: unknown, work: Promise<void>): Promise<void> => {
    running.add(call);
    await work;
    running.delete(call);
    if (running.size === 0) onIdle();
  };

  const failure = (error: unknown): Status => {
    if (error instanceof WireError) return { code: status.INVALID_ARGUMENT, details: error.message };
    onError(error);
    return { code: status.INTERNAL, details: "the coordinator failed" };
  };

  return {
    fetchModel: (call) => {
      const session = sessionOf(call.metadata);
      if (session === null) return void call.emit("error", noSession);
      const work = sendModel(call, session, limits).then(
        () => void call.end(),
        (error) => void call.emit("error", failure(error)),
      );
      void run(call, work);
    },
    inquire: (call, respond) => {
      const session = sessionOf(call.metadata);
      if (session === null) return respond(noSession);
      const work = standingOf(call, session, uploads).then(
        (standing) => respond(null, encodeStanding(standing)),
        (error) => respond(failure(error)),
      );
      void run(call, work);
    },
    report: (call, respond) => {
      const session = sessionOf(call.metadata);
      if (session === null) return respond(noSession);
      const work = receiveReport(call, session, limits, uploads).then(
        (result) => ("kind" in result ? respond(null, encodeReceipt(result)) : respond(result)),
        (error) => respond(failure(error)),
      );
      void run(call, work);
    },
    idle: () =>
      new Promise((resolve) => {
        onIdle = resolve;
        if (running.size === 0) resolve();
      }),
  };
}

const noSession: Status = { code: status.UNAUTHENTICATED, details: "no live session of this client" };

/** What the coordinator says, and how much of the report is here; what can count no more is thrown away. */
async function standingOf(call: InquireCall, session: ClientSession, uploads: Uploads): Promise<Standing> {
  const report: ReportId = decodeReportId(call.request, "inquire");
  const standing = await session.inquire(report);
  if (standing.kind === "wanted")
    return { kind: "wanted", receivedBytes: uploads.received(session.clientId, report) };
  if (standing.kind === "accepted" || isFinal(standing.refusal)) uploads.forget(session.clientId, report);
  return standing;
}

async function sendModel(call: FetchCall, session: ClientSession, { idleMs }: GrpcLimits): Promise<void> {
  const { frames, transfer, offset, sent } = await session.fetchModel(decodeFetch(call.request));
  const header = { frameBytes: frames.map(({ length }) => length), transfer: bytesOf(transfer), offset };
  let isFirst = true;
  for (const data of modelChunks(frames, offset)) {
    if (!(await written(call, isFirst ? { header, data } : { data }, idleMs))) return;
    sent(data.length);
    session.heard();
    isFirst = false;
  }
  if (isFirst) await written(call, { header }, idleMs);
}

/** Writes one message and waits until it is on its way; false when the client has left or does not read. */
function written(call: FetchCall, message: ModelChunk, idleMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isWritten: boolean): void => {
      clearTimeout(timer);
      call.off("cancelled", onCancelled);
      resolve(isWritten);
    };
    const onCancelled = (): void => settle(false);
    const timer = setTimeout(() => {
      resetStream(call);
      settle(false);
    }, idleMs);
    if (call.cancelled) return settle(false);
    call.once("cancelled", onCancelled);
    call.write(message, (error: Error | null | undefined) => settle(!error));
  });
}
