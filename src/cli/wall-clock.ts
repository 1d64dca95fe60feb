import type { Clock } from "../model/clock.ts";

/** The machine's own time, monotonic. */
export function wallClock(): Clock {
  const start = performance.now();
  return {
    now: () => performance.now() - start,
    after: (ms, action) => {
      const timer = setTimeout(action, ms);
      return () => clearTimeout(timer);
    },
  };
}
