/** What one direction of a link does to the bytes that pass; it may change while connections are open. */
export interface LinkFaults {
  /** One way. */
  readonly latencyMs: number;
  /** On top of it, drawn anew for every piece: 0 to this, evenly. Order is kept, as TCP keeps it. */
  readonly jitterMs: number;
  /** The bottleneck; Infinity for none. */
  readonly bytesPerSecond: number;
  /** Bytes arrive in pieces of at most so many, a millisecond or more apart; Infinity for none. */
  readonly sliceBytes: number;
  /** After so many bytes of a connection both its ends are reset; Infinity for never. */
  readonly resetAfterBytes: number;
  /** After so many bytes of a connection both its ends see it end in good order; Infinity for never. */
  readonly truncateAfterBytes: number;
  /**
   * Nothing passes, neither bytes nor the end of a connection, and nobody is told: what a cable that was pulled or a
   * machine that lost power looks like. What waits goes on when it is lifted.
   */
  readonly isStalled: boolean;
}

export const noFaults: LinkFaults = {
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  sliceBytes: Number.POSITIVE_INFINITY,
  resetAfterBytes: Number.POSITIVE_INFINITY,
  truncateAfterBytes: Number.POSITIVE_INFINITY,
  isStalled: false,
};

/**
 * What becomes of new connections: they are passed on, taken and never answered (`silent`), or reset at once
 * (`refuse`).
 */
export type Accept = "pass" | "silent" | "refuse";

/** Bytes of one direction, counted by the proxy alone: what the sender gave, and what was handed to the receiver. */
export interface ByteCount {
  readonly received: number;
  readonly delivered: number;
}
