import type { Clock } from "../../model/clock.ts";

/** Watches that somebody is heard of at least once in a while. */
export interface Lease {
  /** The time begins anew. */
  heard(): void;
  /** From now on silence counts. */
  watch(): void;
  /** From now on it does not. */
  rest(): void;
}

/** Calls `onExpired` once, after `leaseMs` of silence. */
export function lease(clock: Clock, leaseMs: number, onExpired: () => void): Lease {
  let heardAtMs = clock.now();
  let cancel: (() => void) | null = null;

  /** One timer, set again for what is left: hearing of somebody costs nothing. */
  const look = (afterMs: number): void => {
    cancel = clock.after(afterMs, () => {
      const leftMs = heardAtMs + leaseMs - clock.now();
      if (leftMs > 0) return look(Math.ceil(leftMs)); // a fraction too small to move a clock would never pass
      cancel = null;
      onExpired();
    });
  };
  const heard = (): void => {
    heardAtMs = clock.now();
  };
  return {
    heard,
    watch: () => {
      heard();
      if (cancel === null) look(leaseMs);
    },
    rest: () => {
      cancel?.();
      cancel = null;
    },
  };
}
