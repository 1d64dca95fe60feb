import { assert } from "../../model/assert.ts";
import { CHUNK_BYTES } from "../../wire/link-fields.ts";

/** What the coordinator's end of the link puts up with. */
export interface GrpcLimits {
  /** Bytes of the largest report. */
  readonly frameBytes: number;
  /**
   * Bytes that have arrived of all reports together, until each is answered, and of those that broke: these make way for
   * others, and beyond it clients are told to come later.
   */
  readonly uploadBytes: number;
  /** How long what arrived of a broken report is kept. */
  readonly uploadAgeMs: number;
  /** New sessions; more are told when to come. */
  readonly sessionsPerSecond: number;
  /** Bytes of the largest single message, either way; at least 512 KiB. */
  readonly messageBytes: number;
  /** What a report may have on the way to us, in bytes, as far as its link carries it; a connection 64 KiB more. */
  readonly windowBytes: number;
  readonly maxConnections: number;
  readonly maxStreamsPerConnection: number;
  /** A transfer, a handshake or an unused connection without progress for this long is ended. */
  readonly idleMs: number;
  /** A report that comes more slowly than this over `idleMs` counts as without progress. */
  readonly minUploadRate: number;
  /** Dead peers are found by pings this far apart, within twice as long. */
  readonly keepaliveMs: number;
}

const defaults: GrpcLimits = {
  frameBytes: 64 * 2 ** 20,
  uploadBytes: 2 ** 30,
  uploadAgeMs: 600_000,
  sessionsPerSecond: 500,
  messageBytes: 2 ** 20,
  windowBytes: 2 ** 20, // 64 KiB, HTTP/2's own, is 0.7 MB/s at 50 ms
  maxConnections: 10_000,
  maxStreamsPerConnection: 32,
  idleMs: 30_000,
  minUploadRate: 256,
  keepaliveMs: 60_000,
};

export function withDefaults(limits: Partial<GrpcLimits>): GrpcLimits {
  const complete = { ...defaults, ...limits };
  assert(complete.messageBytes >= 2 * CHUNK_BYTES, "a message has room for a chunk and its header");
  return complete;
}
