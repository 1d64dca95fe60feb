/** Spreads those who come all at one time, as after a restart. */
export interface Pace {
  /** 0: come in. Else in how many milliseconds it is this one's turn. */
  waitMs(): number;
}

/**
 * Lets `perSecond` in, and that many at once after a calm second (the generic cell rate algorithm); each of the others is
 * given a time of its own, one after the other at the same pace. When these reach MOST_MS they begin anew: or a flood of
 * strangers who ask and never come would send everybody after them away for longer and longer.
 */
export function pace(perSecond: number, now: () => number): Pace {
  const intervalMs = 1000 / perSecond;
  let expectedMs = Number.NEGATIVE_INFINITY;
  let lastTurnMs = Number.NEGATIVE_INFINITY;
  return {
    waitMs: () => {
      const nowMs = now();
      if (expectedMs - nowMs <= 1000 - intervalMs) {
        expectedMs = Math.max(expectedMs, nowMs) + intervalMs;
        return 0;
      }
      const turnMs = Math.max(lastTurnMs + intervalMs, expectedMs);
      lastTurnMs = turnMs - nowMs <= MOST_MS ? turnMs : expectedMs;
      return Math.max(1, Math.ceil(lastTurnMs - nowMs));
    },
  };
}

const MOST_MS = 600_000;
