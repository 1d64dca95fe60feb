import type { Rng } from "../model/rng.ts";

/**
 * Waits between tries: doubling from `firstMs` up to `capMs`, each drawn from the upper half so that clients spread. Where
 * the coordinator has said when to come, it is then or up to a tenth later: at most an hour, and from the second time in a
 * row on at least `firstMs`.
 */
export interface Backoff {
  nextMs(suggestedMs?: number): number;
  /** Something has moved: the next wait is the shortest again. */
  reset(): void;
}

const MAX_SUGGESTED_MS = 3_600_000;

export function backoff(rng: Rng, firstMs = 500, capMs = 30_000): Backoff {
  let tries = 0;
  let suggestions = 0;
  return {
    nextMs: (suggestedMs) => {
      if (suggestedMs !== undefined) {
        const leastMs = suggestions++ === 0 ? 0 : firstMs;
        return Math.max(leastMs, Math.min(suggestedMs, MAX_SUGGESTED_MS)) * (1 + rng.uniform() / 10);
      }
      const ceiling = Math.min(capMs, firstMs * 2 ** Math.min(tries++, 30));
      return ceiling / 2 + (rng.uniform() * ceiling) / 2;
    },
    reset: () => {
      tries = 0;
      suggestions = 0;
    },
  };
}
