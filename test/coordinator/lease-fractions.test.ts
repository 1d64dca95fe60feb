import { expect, test } from "vitest";
import { lease } from "../../src/coordinator/sessions/lease.ts";
import type { Clock } from "../../src/model/clock.ts";

/** Time since a moment, in floats: what is too little for the sum does not move it. */
function summing(beginMs: number) {
  let nowMs = beginMs;
  let waiting: { readonly atMs: number; readonly action: () => void } | null = null;
  const clock: Clock = {
    now: () => nowMs - beginMs,
    after: (ms, action) => {
      waiting = { atMs: nowMs + ms, action };
      return () => {
        waiting = null;
      };
    },
  };
  return {
    clock,
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** Fires the timer; false when there is none. */
    fire: (): boolean => {
      const due = waiting;
      waiting = null;
      if (due === null) return false;
      nowMs = Math.max(nowMs, due.atMs);
      due.action();
      return true;
    },
  };
}

test("a lease ends whatever fractions of a millisecond the clock has", () => {
  for (let i = 0; i < 2000; i++) {
    const time = summing(36_000 + i / 7);
    let isExpired = false;
    const watched = lease(time.clock, 30_000 + i / 3, () => {
      isExpired = true;
    });
    watched.watch();
    time.pass(1000 / 9 + i / 11);
    watched.heard();
    for (let fired = 0; time.fire(); fired++) expect(fired).toBeLessThan(10);
    expect(isExpired).toBe(true);
  }
});
