/**
 * How much a connection may have on its way to us. What waits before a slow link holds up all that comes after it, answers
 * and pings too, so the window grows only as far as the link would carry within `mostMs`; and only while twice the window
 * brings distinctly more, which it does on a long link and not on a slow one.
 */
export interface ReceiveWindow {
  /** A transfer begins: what was measured before says nothing about it. */
  begin(): void;
  /** Bytes of a transfer have come; the window from now on, or null where it stays. */
  received(bytes: number, nowMs: number): number | null;
}

/** HTTP/2's own, for a connection. */
export const FIRST_WINDOW_BYTES = 65_535;

const DISTINCTLY = 1.5;

export function receiveWindow(mostBytes: number, mostMs: number): ReceiveWindow {
  let size = FIRST_WINDOW_BYTES;
  let measuring: { readonly sinceMs: number; bytes: number } | null = null;
  /** What came a millisecond at half the window. */
  let before = 0;
  /** It has just been doubled, and is yet to show for it. */
  let isTried = false;
  let isSettled = false;

  const next = (rate: number): number => {
    const fits = rate * mostMs;
    const brought = !isTried || rate >= DISTINCTLY * before;
    isTried = false;
    if (!brought) {
      isSettled = true;
      return Math.max(FIRST_WINDOW_BYTES, Math.floor(size / 2));
    }
    if (fits < 0.9 * size) return Math.max(FIRST_WINDOW_BYTES, Math.floor(0.8 * fits));
    if (isSettled || 2 * size > mostBytes || fits < 2 * size) return size;
    isTried = true;
    before = rate;
    return 2 * size;
  };

  return {
    begin: () => {
      measuring = null;
    },
    received: (bytes, nowMs) => {
      if (measuring === null) {
        measuring = { sinceMs: nowMs, bytes: 0 }; // what came before may have waited elsewhere
        return null;
      }
      measuring.bytes += bytes;
      const ms = nowMs - measuring.sinceMs;
      if (measuring.bytes < 2 * size || ms <= 0) return null;
      const rate = measuring.bytes / ms;
      const last = size;
      // what a fast link fills at once need not be tried
      size = rate * mostMs >= 16 * mostBytes ? mostBytes : next(rate);
      measuring = { sinceMs: nowMs, bytes: 0 };
      return size === last ? null : size;
    },
  };
}
