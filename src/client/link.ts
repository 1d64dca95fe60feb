import type {
  CheckIn,
  CheckInReply,
  FetchModel,
  Receipt,
  Refusal,
  ReportId,
  Standing,
} from "../model/protocol.ts";

/**
 * How a client reaches its coordinator: over gRPC, or within a simulation. Refusals come back as values. Every call opens
 * the long-lived stream when there is none; only a check-in says that there is nothing left to report.
 */
export interface CoordinatorLink {
  /** Sends a check-in on the stream; resolves with the answer, which may take rounds. One at a time. */
  checkIn(request: CheckIn, signal: AbortSignal): Promise<CheckInReply>;
  /** Why a report of that round would not count any more; null when it would. One at a time. */
  heartbeat(round: number, signal: AbortSignal): Promise<Refusal | null>;
  /** Whether a report that has no receipt still counts, and how much of it the coordinator has. */
  inquire(report: ReportId, signal: AbortSignal): Promise<Standing>;
  /**
   * The frames that lead from the held model to a version, in order; throws WireError when they exceed the limits. What
   * came of a download that broke is kept, and the next one goes on from there where it can.
   */
  fetchModel(request: FetchModel, signal: AbortSignal): Promise<readonly Uint8Array[]>;
  /** Sends the frame from the byte `offset` on: 0, or what an inquiry said. */
  report(report: ReportId, frame: Uint8Array, offset: number, signal: AbortSignal): Promise<Receipt>;
  close(): Promise<void>;
}

interface LinkErrorOptions extends ErrorOptions {
  readonly movedBytes?: number;
  readonly retryAfterMs?: number | undefined;
}

/** The link broke or timed out: try again later. Refusals are values, not errors. */
export class LinkError extends Error {
  override readonly name = "LinkError";
  /** Bytes that came before it broke, and need not come again. */
  readonly movedBytes: number;
  /** When the coordinator would rather be asked again; undefined when it did not say. */
  readonly retryAfterMs: number | undefined;
  constructor(message: string, { movedBytes = 0, retryAfterMs, ...options }: LinkErrorOptions = {}) {
    super(message, options);
    this.movedBytes = movedBytes;
    this.retryAfterMs = retryAfterMs;
  }
}
