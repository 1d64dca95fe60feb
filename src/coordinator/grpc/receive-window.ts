/**
 * How much of a report may be on its way to us, in bytes. What waits before a slow link holds up all that comes after it,
 * heartbeats and pings too, so it is what the link carries in the time of a ping and a second more. Pings show both: their
 * answers wait behind the report, and what comes until then is what the link carries.
 */
export interface ReceiveWindow {
  bytes(): number;
  /** A ping took `pingMs`. `came` is what came of a report since it was sent, and in what time; null without a report. */
  measured(pingMs: number, came: { readonly bytes: number; readonly ms: number } | null): void;
}

/** A link of 256 bytes a second carries it in a quarter of a minute. */
export const FIRST_WINDOW_BYTES = 4096;
const LEAST_WINDOW_BYTES = 1024;

/** What waits before the link may hold a heartbeat up for so long; on a longer link for as long as its way takes anyway. */
const HOLD_MS = 1000;
/** What comes in one burst says little of the link, so this is the most at one time. */
const MOST_GROWTH = 16;
/** Less of a change is none. */
const LEAST_CHANGE = 0.25;

export function receiveWindow(mostBytes: number): ReceiveWindow {
  let size = Math.min(FIRST_WINDOW_BYTES, mostBytes);
  /** Of a ping with nothing before it. */
  let leastMs = Number.POSITIVE_INFINITY;

  const next = (pingMs: number, bytesPerMs: number): number => {
    const mayTakeMs = leastMs + Math.max(HOLD_MS, leastMs);
    const carried = Math.floor(bytesPerMs * mayTakeMs);
    if (carried > size) return Math.min(carried, MOST_GROWTH * size, mostBytes);
    // who has sent less than it may has not shown what the link carries
    return pingMs > mayTakeMs ? Math.max(carried, Math.min(LEAST_WINDOW_BYTES, size)) : size;
  };

  return {
    bytes: () => size,
    measured: (pingMs, came) => {
      leastMs = Math.min(leastMs, pingMs);
      if (came === null || came.ms <= 0) return;
      const wanted = next(pingMs, came.bytes / came.ms);
      if (wanted === mostBytes || Math.abs(wanted - size) >= LEAST_CHANGE * size) size = wanted;
    },
  };
}
