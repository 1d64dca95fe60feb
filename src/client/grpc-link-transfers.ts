import type { Metadata, ServiceError } from "@grpc/grpc-js";
import type { CoordinatorClient } from "../generated/fedpress/v1/Coordinator.ts";
import type { ModelChunk__Output } from "../generated/fedpress/v1/ModelChunk.ts";
import type { ReportChunk } from "../generated/fedpress/v1/ReportChunk.ts";
import { WireError } from "../model/error.ts";
import type { FetchModel, Receipt, ReportId } from "../model/protocol.ts";
import { bad, REPORT_CHUNK_BYTES } from "../wire/link-fields.ts";
import { type FrameJoiner, frameJoiner, type TransferLimits, transferChunks } from "../wire/transfer.ts";
import { decodeReceipt, encodeFetch, encodeReportHeader } from "./grpc-link-messages.ts";
import { LinkError } from "./link.ts";

export interface TransferContext {
  readonly client: CoordinatorClient;
  /** Names the session. */
  readonly metadata: Metadata;
  readonly limits: TransferLimits & { readonly idleMs: number };
  readonly signal: AbortSignal;
  /** Gets what cancels the transfer from elsewhere. */
  readonly onStart: (cancel: () => void) => void;
}

/** Downloads frames. Throws LinkError, and WireError for what the limits or the declared lengths forbid. */
export function fetchFrames(context: TransferContext, request: FetchModel): Promise<Uint8Array[]> {
  const { client, metadata, limits } = context;
  return guarded(context, (watch, resolve, reject) => {
    const call = client.FetchModel(encodeFetch(request), metadata);
    let joiner: FrameJoiner | null = null;
    const receive = ({ header, data }: ModelChunk__Output): void => {
      if ((header === null) !== (joiner !== null))
        throw bad("header", "belongs on the first chunk, and only there");
      if (header !== null) joiner = frameJoiner(header.frameBytes, limits);
      joiner!.add(data);
      watch.progress();
    };
    const finish = (): void => {
      if (joiner === null) throw new WireError("truncated", "download", "no header");
      resolve(joiner.finish());
    };
    const orReject =
      <A extends unknown[]>(action: (...args: A) => void) =>
      (...args: A): void => {
        if (watch.isOver()) return;
        try {
          action(...args);
        } catch (error) {
          reject(error);
        }
      };
    call.on("data", orReject(receive));
    call.on("end", orReject(finish)); // an error is emitted before it
    call.on("error", (error: ServiceError) => reject(linkError(error)));
    return () => call.cancel();
  });
}

/** Uploads a report. The coordinator may answer before the last chunk. */
export function sendFrame(context: TransferContext, report: ReportId, frame: Uint8Array): Promise<Receipt> {
  const { client, metadata } = context;
  return guarded(context, (watch, resolve, reject) => {
    const call = client.Report(metadata, (error, receipt) => {
      if (error) return reject(linkError(error));
      try {
        resolve(decodeReceipt(receipt!));
      } catch (violation) {
        reject(violation);
      }
    });
    const write = (chunk: ReportChunk): Promise<void> =>
      new Promise((done) => {
        call.write(chunk, () => {
          watch.progress();
          done();
        });
      });
    const send = async (): Promise<void> => {
      const header = encodeReportHeader(report, frame.length);
      let isFirst = true;
      for (const data of transferChunks([frame], REPORT_CHUNK_BYTES)) {
        await write(isFirst ? { header, data } : { data });
        isFirst = false;
        if (watch.isOver()) return;
      }
      if (isFirst) await write({ header });
      call.end();
    };
    void send();
    return () => call.cancel();
  });
}

interface Watch {
  /** Something moved: the time without progress begins anew. */
  progress(): void;
  isOver(): boolean;
}

/** A promise that is also rejected by the signal and by a time without progress; the call is then cancelled. */
function guarded<T>(
  { limits, signal, onStart }: TransferContext,
  begin: (watch: Watch, resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const end = (): boolean => {
      if (isOver) return false;
      isOver = true;
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      return true;
    };
    const fail = (error: unknown): void => {
      if (!end()) return;
      reject(error);
      cancel();
    };
    const onAbort = (): void => fail(signal.reason);
    const timer = setTimeout(() => fail(new LinkError(`no progress for ${limits.idleMs} ms`)), limits.idleMs);
    signal.addEventListener("abort", onAbort, { once: true });
    const watch: Watch = {
      progress: () => {
        if (!isOver) timer.refresh();
      },
      isOver: () => isOver,
    };
    const succeed = (value: T): void => {
      if (end()) resolve(value);
    };
    const cancel = begin(watch, succeed, fail);
    onStart(() => fail(new LinkError("the link is closed")));
    if (signal.aborted) onAbort();
  });
}

const linkError = (error: ServiceError): LinkError => new LinkError(error.message, { cause: error });
