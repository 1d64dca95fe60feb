import type { CheckIn, CheckInReply, FetchModel, Receipt, ReportId } from "../model/protocol.ts";

/** How a client reaches its coordinator: over gRPC, or within a simulation. Refusals come back as values. */
export interface CoordinatorLink {
  /**
   * Sends a check-in on the long-lived stream (opened when needed); resolves with the answer, which may take rounds.
   * One at a time.
   */
  checkIn(request: CheckIn, signal: AbortSignal): Promise<CheckInReply>;
  /** The frames that lead from the held model to a version, in order; throws WireError when they exceed the limits. */
  fetchModel(request: FetchModel, signal: AbortSignal): Promise<readonly Uint8Array[]>;
  report(report: ReportId, frame: Uint8Array, signal: AbortSignal): Promise<Receipt>;
  close(): Promise<void>;
}

/** The link broke or timed out: try again later. Refusals are values, not errors. */
export class LinkError extends Error {
  override readonly name = "LinkError";
}
