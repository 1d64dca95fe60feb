import type { Budget } from "../model/protocol.ts";

/** How fast a client's reports have gone out, as they really did: the wait for the receipt is part of the time. */
export interface UploadRate {
  /** So many bytes of reports took so long. */
  readonly sent: (bytes: number, ms: number) => void;
  /** Null before anything was sent. */
  readonly bytesPerSecond: () => number | null;
}

/** Every upload counts half of what the next one does. It is not kept over a restart: the first report begins anew. */
export function uploadRate(): UploadRate {
  let [sum, time] = [0, 0];
  return {
    sent(bytes, ms) {
      if (bytes <= 0) return;
      sum = sum / 2 + bytes;
      time = time / 2 + Math.max(ms, LEAST_MS);
    },
    bytesPerSecond: () => (time === 0 ? null : (1000 * sum) / time),
  };
}

/** What no clock tells apart from nothing. */
const LEAST_MS = 1;

/**
 * The bytes of a frame by a budget. In seconds: what the link sends in that time, at the measured rate, else at the one that
 * the client was told, else about what 1 % of the coordinates takes; but at least 1/8192 and at most 1/64 of the owned
 * coordinates as float32, and never below 256: nobody sends nothing, and nobody sends everything.
 */
export function budgetBytes(
  budget: Budget,
  measured: number | null,
  told: number | undefined,
  numOwned: number,
): number {
  if ("bytesPerRound" in budget) return budget.bytesPerRound;
  const dense = 4 * numOwned;
  const rate = measured ?? told ?? null;
  const wanted = rate === null ? dense / FIRST_SHARE : rate * budget.secondsPerRound;
  return Math.floor(Math.max(LEAST_BYTES, dense / LEAST_SHARE, Math.min(dense / MOST_SHARE, wanted)));
}

const LEAST_BYTES = 256;
const FIRST_SHARE = 400;
const LEAST_SHARE = 8192;
const MOST_SHARE = 64;
