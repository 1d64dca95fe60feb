import type { Rng } from "../model/rng.ts";

/** Waits between tries: doubling from `firstMs` up to `capMs`, each drawn from the upper half so that clients spread. */
export interface Backoff {
  nextMs(): number;
  reset(): void;
}

export function backoff(rng: Rng, firstMs = 500, capMs = 30_000): Backoff {
  let tries = 0;
  return {
    nextMs: () => {
      const ceiling = Math.min(capMs, firstMs * 2 ** Math.min(tries++, 30));
      return ceiling / 2 + (rng.uniform() * ceiling) / 2;
    },
    reset: () => {
      tries = 0;
    },
  };
}
