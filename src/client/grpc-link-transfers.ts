import type { Metadata, ServiceError } from "@grpc/grpc-js";
import type { CoordinatorClient } from "../generated/fedpress/v1/Coordinator.ts";
import type { ModelChunk__Output } from "../generated/fedpress/v1/ModelChunk.ts";
import type { ReportChunk } from "../generated/fedpress/v1/ReportChunk.ts";
import { WireError } from "../model/error.ts";
import type { FetchModel, Receipt, ReportId, Standing } from "../model/protocol.ts";
import { bad, encodeReportId } from "../wire/link-fields.ts";
import { type FrameJoiner, frameJoiner, type TransferLimits } from "../wire/transfer.ts";
import { transferDigest } from "../wire/transfer-digest.ts";
import {
  type Announced,
  decodeModelHeader,
  decodeReceipt,
  decodeStanding,
  encodeFetch,
  encodeReportHeader,
} from "./grpc-link-messages.ts";
import { LinkError } from "./link.ts";
import { FIRST_PIECE_BYTES, nextPieceBytes } from "./piece-bytes.ts";

export interface TransferContext {
  readonly client: CoordinatorClient;
  /** Names the session. */
  readonly metadata: Metadata;
  readonly limits: TransferLimits & { readonly idleMs: number };
  readonly signal: AbortSignal;
  /** Gets what cancels the transfer from elsewhere. */
  readonly onStart: (cancel: () => void) => void;
}

/** What came of a download that broke. */
export interface BrokenDownload {
  readonly transfer: string;
  readonly frameBytes: readonly number[];
  readonly joiner: FrameJoiner;
}

/**
 * Downloads frames, from where `broken` ended if the coordinator still has the same. Throws LinkError, after `keep` was
 * given what has come, and WireError for what the limits or the declared lengths forbid.
 */
export function fetchFrames(
  context: TransferContext,
  request: FetchModel,
  broken: BrokenDownload | null,
  keep: (broken: BrokenDownload) => void,
): Promise<Uint8Array[]> {
  const { client, metadata, limits } = context;
  const resume = broken && { transfer: broken.transfer, offset: broken.joiner.received() };
  let running: BrokenDownload | null = null;
  let startedAt = 0;
  const fetched = guarded<Uint8Array[]>(context, (watch, resolve, reject) => {
    const call = client.FetchModel(encodeFetch({ ...request, ...(resume && { resume }) }), metadata);
    const receive = ({ header, data }: ModelChunk__Output): void => {
      if ((header === null) !== (running !== null))
        throw bad("header", "belongs on the first chunk, and only there");
      if (header !== null) {
        running = begun(decodeModelHeader(header), broken, limits);
        startedAt = running.joiner.received();
      }
      running!.joiner.add(data);
      watch.progress();
    };
    const finish = (): void => {
      if (running === null) throw new WireError("truncated", "download", "no header");
      const frames = running.joiner.finish();
      // parts that came at different times may be of different frames
      if (startedAt > 0 && transferDigest(frames) !== running.transfer)
        throw new WireError("bad-digest", "download", "the parts are not of the frames announced");
      resolve(frames);
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
  return fetched.catch((error) => {
    if (running === null || error instanceof WireError) throw error;
    keep(running);
    const movedBytes = running.joiner.received() - startedAt;
    if (!(error instanceof LinkError) || movedBytes === 0) throw error;
    throw new LinkError(error.message, { cause: error.cause, movedBytes });
  });
}

/** The download that a header announces: the broken one goes on, or another begins. */
function begun(
  { frameBytes, transfer, offset }: Announced,
  broken: BrokenDownload | null,
  limits: TransferLimits,
): BrokenDownload {
  if (offset === 0) return { transfer, frameBytes, joiner: frameJoiner(frameBytes, limits) };
  if (broken?.transfer !== transfer || broken.joiner.received() !== offset)
    throw bad("header.offset", `${offset}, which was not asked for`);
  if (`${broken.frameBytes}` !== `${frameBytes}`)
    throw bad("header.frame_bytes", "other lengths than before it broke");
  return broken;
}

/** Uploads a report from its byte `offset` on. The coordinator may answer before the last chunk. */
export function sendFrame(
  context: TransferContext,
  report: ReportId,
  frame: Uint8Array,
  offset: number,
): Promise<Receipt> {
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
      const header = encodeReportHeader(report, frame.length, offset);
      let pieceBytes = FIRST_PIECE_BYTES;
      let at = offset;
      do {
        const data = frame.subarray(at, at + pieceBytes);
        const began = performance.now();
        await write(at === offset ? { header, data } : { data });
        if (watch.isOver()) return;
        // grpc-js buffers the first, which leaves at once on any link
        if (at > offset) pieceBytes = nextPieceBytes(pieceBytes, performance.now() - began);
        at += data.length;
      } while (at < frame.length);
      call.end();
    };
    void send();
    return () => call.cancel();
  });
}

/** Asks what has become of a report. */
export function askStanding(context: TransferContext, report: ReportId): Promise<Standing> {
  return guarded(context, (_, resolve, reject) => {
    const call = context.client.Inquire(encodeReportId(report), context.metadata, (error, standing) => {
      if (error) return reject(linkError(error));
      try {
        resolve(decodeStanding(standing!));
      } catch (violation) {
        reject(violation);
      }
    });
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
