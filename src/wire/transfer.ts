import { WireError } from "../model/error.ts";

/** What a receiver of frames puts up with. */
export interface TransferLimits {
  /** Bytes of the largest frame. */
  readonly frameBytes: number;
  /** Bytes of all frames together. */
  readonly transferBytes: number;
  readonly maxFrames: number;
}

/**
 * The frames' bytes, back to back, from the byte `offset` on, in pieces of `chunkBytes` (the last one shorter). Copies only
 * across borders.
 */
export function* transferChunks(
  frames: readonly Uint8Array[],
  chunkBytes: number,
  offset = 0,
): Generator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let room = chunkBytes;
  let skip = offset;
  for (const frame of frames) {
    const start = Math.min(skip, frame.length);
    skip -= start;
    for (let at = start; at < frame.length; ) {
      const part = frame.subarray(at, at + room);
      parts.push(part);
      at += part.length;
      room -= part.length;
      if (room > 0) continue;
      yield join(parts);
      parts = [];
      room = chunkBytes;
    }
  }
  if (parts.length > 0) yield join(parts);
}

/** Puts frames together again, from chunks cut anywhere. */
export interface FrameJoiner {
  /** Takes a copy; throws `trailing` beyond the lengths that were declared. */
  add(chunk: Uint8Array): void;
  /** Bytes that have come. */
  received(): number;
  /** The frames; throws `truncated` when bytes are missing. */
  finish(): Uint8Array[];
}

/**
 * The declared lengths are checked first (`too-large`), and memory follows what has arrived, not what was announced:
 * it is at most doubled at a time, so that a sender who announces much and sends little costs little.
 */
export function frameJoiner(frameBytes: readonly number[], limits: TransferLimits): FrameJoiner {
  checkDeclared(frameBytes, limits);
  const frames: Uint8Array[] = [];
  let open = new Uint8Array();
  let filled = 0;
  let received = 0;

  const closeFull = (): void => {
    while (frames.length < frameBytes.length && filled === frameBytes[frames.length]) {
      frames.push(open);
      open = new Uint8Array();
      filled = 0;
    }
  };
  closeFull(); // frames of no bytes at the beginning

  const add = (chunk: Uint8Array): void => {
    for (let at = 0; at < chunk.length; ) {
      const length = frameBytes[frames.length];
      if (length === undefined) throw new WireError("trailing", "chunk", "more bytes than were declared");
      const part = chunk.subarray(at, at + length - filled);
      if (filled + part.length > open.length) open = grown(open, filled, part.length, length);
      open.set(part, filled);
      filled += part.length;
      received += part.length;
      at += part.length;
      closeFull();
    }
  };

  const finish = (): Uint8Array[] => {
    if (frames.length < frameBytes.length)
      throw new WireError(
        "truncated",
        `frame ${frames.length}`,
        `${filled} of ${frameBytes[frames.length]} bytes`,
      );
    return frames;
  };

  return { add, received: () => received, finish };
}

function checkDeclared(frameBytes: readonly number[], limits: TransferLimits): void {
  if (frameBytes.length > limits.maxFrames)
    throw new WireError("too-large", "frames", `${frameBytes.length}, at most ${limits.maxFrames}`);
  let total = 0;
  for (const [i, bytes] of frameBytes.entries()) {
    if (bytes > limits.frameBytes)
      throw new WireError("too-large", `frame ${i}`, `${bytes} bytes, at most ${limits.frameBytes}`);
    total += bytes;
  }
  if (total > limits.transferBytes)
    throw new WireError("too-large", "frames", `${total} bytes together, at most ${limits.transferBytes}`);
}

function grown(bytes: Uint8Array, filled: number, more: number, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(length, Math.max(2 * bytes.length, filled + more)));
  larger.set(bytes.subarray(0, filled));
  return larger;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
