import {
  type Metadata,
  type ServerReadableStream,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import type { FetchRequest__Output } from "../generated/fedpress/v1/FetchRequest.ts";
import type { ModelChunk } from "../generated/fedpress/v1/ModelChunk.ts";
import type { Receipt as ReceiptFields } from "../generated/fedpress/v1/Receipt.ts";
import type { ReportChunk__Output } from "../generated/fedpress/v1/ReportChunk.ts";
import { WireError } from "../model/error.ts";
import type { ClientSession, Receipt, ReportId } from "../model/protocol.ts";
import { bad, CHUNK_BYTES } from "../wire/link-fields.ts";
import { type FrameJoiner, frameJoiner, transferChunks } from "../wire/transfer.ts";
import { resetStream } from "./grpc-http2.ts";
import type { GrpcLimits } from "./grpc-limits.ts";
import { decodeFetch, decodeReportHeader, encodeReceipt } from "./grpc-messages.ts";

type FetchCall = ServerWritableStream<FetchRequest__Output, ModelChunk>;
type ReportCall = ServerReadableStream<ReportChunk__Output, ReceiptFields>;

/** The calls that move frames, each for a live session. */
export interface Transfers {
  fetchModel(call: FetchCall): void;
  report(call: ReportCall, respond: sendUnaryData<ReceiptFields>): void;
  /** Resolves when none is running. */
  idle(): Promise<void>;
}

interface Status {
  readonly code: status;
  readonly details: string;
}

export function frameTransfers(
  sessionOf: (metadata: Metadata) => ClientSession | null,
  limits: GrpcLimits,
  onError: (error: unknown) => void,
): Transfers {
  const running = new Set<unknown>();
  let onIdle: () => void = () => {};
  const uploads: Uploads = { bytes: 0, running: new Map() };

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

/** What arrives at the moment. */
interface Uploads {
  bytes: number;
  /** One report a session: how to end the one that is arriving, should another begin. */
  readonly running: Map<ClientSession, AbortController>;
}

const later = (details: string): Status => ({ code: status.RESOURCE_EXHAUSTED, details });

async function sendModel(call: FetchCall, session: ClientSession, { idleMs }: GrpcLimits): Promise<void> {
  const frames = await session.fetchModel(decodeFetch(call.request));
  const header = { frameBytes: frames.map(({ length }) => length) };
  let isFirst = true;
  for (const data of transferChunks(frames, CHUNK_BYTES)) {
    if (!(await written(call, isFirst ? { header, data } : { data }, idleMs))) return;
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

/**
 * The receipt, or the status of a transfer that came to nothing: too slow, ended by the client, or one too many for
 * now. What is wrong with the frame's bytes themselves is a refusal, given at once.
 */
async function receiveReport(
  call: ReportCall,
  session: ClientSession,
  limits: GrpcLimits,
  uploads: Uploads,
): Promise<Receipt | Status> {
  uploads.running.get(session)?.abort();
  const replaced = new AbortController();
  uploads.running.set(session, replaced);
  let reserved = 0;
  const header = { round: 0 };
  const reserve = (bytes: number): boolean => {
    if (uploads.bytes + bytes > limits.uploadBytes) return false;
    uploads.bytes += bytes;
    reserved += bytes;
    return true;
  };
  try {
    const arrived = await receiveFrame(call, limits, {
      reserve,
      announced: header,
      replaced: replaced.signal,
    });
    if ("code" in arrived) return arrived;
    return await session.report(arrived.report, arrived.frame);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const refusal = { code: error.code, detail: error.message, retry: false };
    session.refuse(header.round, refusal);
    return { kind: "refused", refusal };
  } finally {
    uploads.bytes -= reserved;
    if (uploads.running.get(session) === replaced) uploads.running.delete(session);
  }
}

interface Arrived {
  readonly report: ReportId;
  readonly frame: Uint8Array;
}

interface Receiving {
  /** Asks for room for bytes that have come. */
  readonly reserve: (bytes: number) => boolean;
  /** Filled in as soon as it is known, so that a refusal can say which round it is about. */
  readonly announced: { round: number };
  /** Aborts when the client begins another report. */
  readonly replaced: AbortSignal;
}

function receiveFrame(
  call: ReportCall,
  limits: GrpcLimits,
  { reserve, announced, replaced }: Receiving,
): Promise<Arrived | Status> {
  return new Promise((resolve, reject) => {
    let report: ReportId | null = null;
    let joiner: FrameJoiner | null = null;
    let arrivedBytes = 0; // since the last look at the progress

    const receive = ({ header, data }: ReportChunk__Output): void => {
      if ((header === null) !== (joiner !== null))
        throw bad("header", "belongs on the first chunk, and only there");
      if (header !== null) {
        const { report: id, frameBytes } = decodeReportHeader(header);
        announced.round = id.round;
        joiner = frameJoiner([frameBytes], { ...limits, transferBytes: limits.frameBytes, maxFrames: 1 });
        report = id;
      }
      if (!reserve(data.length)) return settle(later("too many reports at one time"));
      arrivedBytes += data.length;
      joiner!.add(data);
    };
    const finish = (): void => {
      if (report === null || joiner === null) throw new WireError("truncated", "report", "no header");
      settle({ report, frame: joiner.finish()[0]! });
    };
    const settle = (result: Arrived | Status): void => {
      stop();
      resolve(result);
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
    const onCancelled = (): void => settle({ code: status.CANCELLED, details: "the client left" });
    const onReplaced = (): void =>
      settle({ code: status.CANCELLED, details: "the client began another report" });
    const leastBytes = Math.max(1, (limits.minUploadRate * limits.idleMs) / 1000);
    const timer = setInterval(() => {
      if (arrivedBytes < leastBytes) settle({ code: status.DEADLINE_EXCEEDED, details: "no progress" });
      arrivedBytes = 0;
    }, limits.idleMs);
    const stop = (): void => {
      clearInterval(timer);
      call.off("data", onData).off("end", onEnd).off("cancelled", onCancelled);
      replaced.removeEventListener("abort", onReplaced);
      call.resume(); // what still comes is read and dropped
    };
    call.on("data", onData).on("end", onEnd).on("cancelled", onCancelled);
    replaced.addEventListener("abort", onReplaced, { once: true });
  });
}
