import { type ServerReadableStream, status } from "@grpc/grpc-js";
import type { Receipt as ReceiptFields } from "../../generated/fedpress/v1/Receipt.ts";
import type { ReportChunk__Output } from "../../generated/fedpress/v1/ReportChunk.ts";
import { WireError } from "../../model/error.ts";
import type { ClientSession, Receipt, Refusal, ReportId } from "../../model/protocol.ts";
import { bad } from "../../wire/link-fields.ts";
import { damaged, isFinal } from "../sessions/refusals.ts";
import type { Upload, Uploads } from "../sessions/uploads.ts";
import { arrivalsOf } from "./arrivals.ts";
import { widenAs } from "./http2.ts";
import type { GrpcLimits } from "./limits.ts";
import { decodeReportHeader } from "./messages.ts";

export type ReportCall = ServerReadableStream<ReportChunk__Output, ReceiptFields>;

export interface Status {
  readonly code: status;
  readonly details: string;
}

/**
 * The receipt, or the status of a transfer that came to nothing: too slow, ended by the client, or replaced by another.
 * What came of those is kept. What is wrong with the frame's bytes themselves is a refusal, given at once.
 */
export async function receiveReport(
  call: ReportCall,
  session: ClientSession,
  limits: GrpcLimits,
  uploads: Uploads,
): Promise<Receipt | Status> {
  const receiving: Receiving = { upload: null, report: null };
  try {
    const arrived = await receiveFrame(call, session, limits, uploads, receiving);
    if (!(arrived instanceof Uint8Array)) return arrived;
    return await hand(session, receiving.report!, receiving.upload!, arrived);
  } catch (error) {
    receiving.upload?.end("lost");
    if (!(error instanceof WireError)) throw error;
    const refusal = { code: error.code, detail: error.message, retry: false };
    session.refuse(receiving.report?.round ?? 0, refusal);
    return { kind: "refused", refusal };
  }
}

/** What cannot be decided now is kept; bytes of another frame than was announced are not. */
async function hand(
  session: ClientSession,
  report: ReportId,
  upload: Upload,
  frame: Uint8Array,
): Promise<Receipt> {
  const receipt = await session.report(report, frame);
  if (receipt.kind === "accepted" || isFinal(receipt.refusal)) upload.end("reported");
  else if (receipt.refusal.code === damaged.code) upload.end("lost");
  else upload.pause();
  return receipt;
}

const notNow = (refusal: Refusal): Receipt => ({ kind: "refused", refusal });

const ENDED_EARLY = {
  code: "truncated",
  detail: "the call has ended, and bytes are missing",
  retry: true,
  retryAfterMs: 0,
};

const NO_ROOM = { code: "busy", detail: "too many reports at one time", retry: true, retryAfterMs: 1000 };

/** Filled in as soon as it is known. */
interface Receiving {
  upload: Upload | null;
  report: ReportId | null;
}

function receiveFrame(
  call: ReportCall,
  session: ClientSession,
  limits: GrpcLimits,
  uploads: Uploads,
  receiving: Receiving,
): Promise<Uint8Array | Receipt | Status> {
  return new Promise((resolve, reject) => {
    const { clientId, lost } = session;
    const arrivals = arrivalsOf(call, limits.idleMs, lost);
    widenAs(call, limits);
    let hasEnded = false;

    const onEnded = (): void =>
      pause({ code: status.CANCELLED, details: "the client began another report, or asked about this one" });
    /** What a chunk is of; null where that is not taken, as has been said. */
    const uploadOf = ({ header }: ReportChunk__Output): Upload | null => {
      if ((header === null) !== (receiving.upload !== null))
        throw bad("header", "belongs on the first chunk, and only there");
      if (header === null) return receiving.upload;
      const announced = decodeReportHeader(header);
      receiving.report = announced.report;
      const begun = uploads.begin(announced, { clientId, lost, onEnded });
      if ("code" in begun) {
        settle(notNow(begun));
        return null;
      }
      receiving.upload = begun;
      return begun;
    };
    const receive = (chunk: ReportChunk__Output): void => {
      const { data } = chunk;
      arrivals.read(data.length);
      let upload: Upload | null = null;
      try {
        upload = uploadOf(chunk);
      } finally {
        if (upload === null && data.length > 0) lost(data.length);
      }
      if (upload === null) return;
      session.heard();
      if (!upload.add(data)) pause(notNow(NO_ROOM));
    };
    const finish = (): void => {
      hasEnded = true;
      // a stream that breaks looks like one that has ended
      if (receiving.upload?.isWhole() !== true) return pause(notNow(ENDED_EARLY));
      settle(receiving.upload.finish());
    };
    const settle = (result: Uint8Array | Receipt | Status): void => {
      stop();
      resolve(result);
    };
    const pause = (why: Receipt | Status): void => {
      receiving.upload?.pause();
      settle(why);
    };
    const guarded =
      <A extends unknown[]>(action: (...args: A) => void) =>
      (...args: A): void => {
        try {
          action(...args);
        } catch (error) {
          stop();
          reject(error);
        }
      };
    const onData = guarded(receive);
    const onEnd = guarded(finish);
    const onCancelled = (): void => {
      hasEnded = true;
      pause({ code: status.CANCELLED, details: "the client left" });
    };
    const leastBytes = Math.max(1, (limits.minUploadRate * limits.idleMs) / 1000);
    let before = 0;
    const timer = setInterval(() => {
      const bytes = arrivals.bytes();
      if (bytes - before < leastBytes) pause({ code: status.DEADLINE_EXCEEDED, details: "no progress" });
      before = bytes;
    }, limits.idleMs);
    const stop = (): void => {
      clearInterval(timer);
      call.off("data", onData).off("end", onEnd).off("cancelled", onCancelled);
      call.resume(); // what still comes is read and dropped
      if (!hasEnded) arrivals.answered();
    };
    call.on("data", onData).on("end", onEnd).on("cancelled", onCancelled);
  });
}
