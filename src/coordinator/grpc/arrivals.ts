import { resetStream, streamOf } from "./http2.ts";

/** What comes of a report, byte by byte: also of a chunk that is not here as a whole yet, and what comes after the answer. */
export interface Arrivals {
  /** So far, with the few bytes around each chunk. */
  bytes(): number;
  /** A chunk with so much data came as it should. */
  read(dataBytes: number): void;
  /**
   * The call has its answer: what still comes, grpc-js reads off the connection and shows to nobody. Whoever sends on is
   * cut off after a while, so that no call lasts for ever.
   */
  answered(): void;
}

/** A chunk's bytes besides its data: gRPC's prefix of five, and the field's tag and length. */
const AROUND = 8;
/** Of a header, about. */
const HEADER = 64;

/** `lost` is told once, at the end of a call that had its answer before, of what nobody has read. */
export function arrivalsOf(call: unknown, idleMs: number, lost: (bytes: number) => void): Arrivals {
  const stream = streamOf(call);
  let arrivedBytes = 0;
  let readBytes = HEADER;
  stream?.on("data", ({ length }: Uint8Array) => {
    arrivedBytes += length;
  });
  return {
    bytes: () => (stream === undefined ? readBytes : arrivedBytes),
    read: (dataBytes) => {
      readBytes += dataBytes + AROUND;
    },
    answered: () => {
      const timer = setTimeout(() => resetStream(call), idleMs);
      const settle = (): void => {
        clearTimeout(timer);
        if (arrivedBytes > readBytes) lost(arrivedBytes - readBytes);
      };
      if (stream === undefined || stream.destroyed) settle();
      else stream.once("close", settle);
    },
  };
}
