import type { Socket } from "node:net";
import type { Rng } from "../../model/rng.ts";
import type { ByteCount, LinkFaults } from "./faults.ts";

/** One direction of one connection. */
export interface Pipe {
  readonly count: () => ByteCount;
  /** The faults have changed. */
  readonly look: () => void;
}

export interface PipeOptions {
  /** As they are at the moment. */
  readonly faults: () => LinkFaults;
  readonly rng: Rng;
  /** Resets both ends. */
  readonly reset: () => void;
}

interface Piece {
  /** Null: the sender has ended. */
  readonly bytes: Uint8Array | null;
  readonly dueMs: number;
}

/** What waits before the bottleneck, as time; a sender that is faster is held back, as by a full buffer. */
const MAX_BACKLOG_MS = 200;
/** A slow link hands out its bytes in pieces of so much time. */
const PIECE_MS = 20;
const SLICE_GAP_MS = 1;

/** Passes what `from` says on to `to`, through the faults. Both sockets allow half-open connections. */
export function pipe(from: Socket, to: Socket, { faults, rng, reset }: PipeOptions): Pipe {
  const queue: Piece[] = [];
  let received = 0;
  let delivered = 0;
  /** When the bottleneck has sent all that was given to it, and when the last piece arrives. */
  let freeMs = 0;
  let lastMs = 0;
  let isBlocked = false;
  let isBroken = false;
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;

  const enqueue = (bytes: Uint8Array | null): void => {
    const { latencyMs, jitterMs, bytesPerSecond } = faults();
    freeMs = Math.max(freeMs, performance.now()) + ((bytes?.length ?? 0) / bytesPerSecond) * 1000;
    lastMs = Math.max(lastMs, freeMs + latencyMs + (jitterMs > 0 ? jitterMs * rng.uniform() : 0));
    queue.push({ bytes, dueMs: lastMs });
  };

  const stop = (): void => {
    isOver = true;
    queue.length = 0;
    clearTimeout(timer);
  };

  const deliver = (bytes: Uint8Array | null): void => {
    if (bytes === null) return void to.end();
    const { resetAfterBytes, truncateAfterBytes } = faults();
    const left = Math.max(0, Math.min(resetAfterBytes, truncateAfterBytes) - delivered);
    const passed = bytes.length < left ? bytes : bytes.subarray(0, left);
    delivered += passed.length;
    if (bytes.length < left) {
      isBlocked = !to.write(passed);
      return;
    }
    stop();
    if (resetAfterBytes <= truncateAfterBytes) return void to.write(passed, reset);
    to.end(passed);
    from.end();
  };

  const look = (): void => {
    if (isOver) return;
    clearTimeout(timer);
    const { isStalled, sliceBytes } = faults();
    if (isStalled) return void from.pause();
    if (isBroken) {
      stop();
      return reset();
    }
    const oneByOne = sliceBytes < Number.POSITIVE_INFINITY;
    while (!isBlocked && !isOver && queue.length > 0 && queue[0]!.dueMs <= performance.now()) {
      deliver(queue.shift()!.bytes);
      if (oneByOne) break;
    }
    if (isOver) return void from.resume(); // what still comes is read and dropped
    const now = performance.now();
    const backlogMs = freeMs - now - MAX_BACKLOG_MS;
    if (isBlocked || backlogMs > 0) from.pause();
    else from.resume();
    if (isBlocked || queue.length === 0) return; // "drain" or "data" comes next
    const gapMs = oneByOne ? SLICE_GAP_MS : 0;
    const waitMs = Math.max(gapMs, queue[0]!.dueMs - now);
    timer = setTimeout(look, backlogMs > 0 ? Math.min(waitMs, backlogMs) : waitMs);
  };

  from.on("data", (chunk: Buffer) => {
    received += chunk.length;
    if (isOver) return;
    const { bytesPerSecond, sliceBytes } = faults();
    const most = Math.min(sliceBytes, Math.max(1, Math.ceil((bytesPerSecond * PIECE_MS) / 1000)));
    for (let at = 0; at < chunk.length; at += most) enqueue(chunk.subarray(at, at + most));
    look();
  });
  from.on("end", () => {
    enqueue(null);
    look();
  });
  from.on("error", () => {}); // "close" follows
  from.on("close", (hadError: boolean) => {
    isBroken = hadError;
    look();
  });
  to.on("drain", () => {
    isBlocked = false;
    look();
  });
  to.on("close", stop);
  return { count: () => ({ received, delivered }), look };
}
