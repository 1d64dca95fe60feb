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
 * How a client reaches its coordinator: over gRPC, or within a simulation. Refusals of what was asked come back as values.
 * Every call opens the long-lived stream when there is none; only a check-in says that there is nothing left to report. A
 * session that is refused says nothing of a report or a round: a check-in gets that as its answer, and all other calls
 * reject, with LinkError where it may yet be opened and with SessionRefused where it may not.
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

/** The coordinator wants nothing of this client, and has not looked at what was asked: a report may well be folded. */
export class SessionRefused extends Error {
  override readonly name = "SessionRefused";
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(`no session: ${refusal.code}: ${refusal.detail}`);
    this.refusal = refusal;
  }
}

/** What a call comes to whose session is refused. */
export const noSession = (refusal: Refusal): LinkError | SessionRefused =>
  refusal.retry
    ? new LinkError(`no session: ${refusal.code}: ${refusal.detail}`, { retryAfterMs: refusal.retryAfterMs })
    : new SessionRefused(refusal);
