import { derive } from "../../model/rng.ts";
import { eventQueue } from "../event-queue.ts";

/**
 * Virtual time in one thread. One event happens at a time, and all promises that follow from it are settled before the
 * next, so that the order of everything follows from the seed: events of the same moment come in an order drawn from it.
 */
export interface Scheduler {
  /** Milliseconds since the simulation began. */
  now(): number;
  after(ms: number, action: () => void): () => void;
  /** Lets time pass until `isOver`; or until nothing is left to happen, or so many events or milliseconds are through. */
  run(isOver: () => boolean, limit: { readonly untilMs: number; readonly events: number }): Promise<RunEnd>;
  /** Events so far. */
  events(): number;
}

export type RunEnd = "over" | "still" | "out-of-time" | "out-of-events";

interface Scheduled {
  readonly atMs: number;
  readonly rank: number;
  readonly action: () => void;
  cancelled: boolean;
}

export function scheduler(seed: number): Scheduler {
  const queue = eventQueue<Scheduled>();
  const ranks = derive(seed, "ranks");
  let nowMs = 0;
  let numEvents = 0;
  return {
    now: () => nowMs,
    events: () => numEvents,
    after: (ms, action) => {
      const event = { atMs: nowMs + Math.max(0, ms), rank: ranks.uint32(), action, cancelled: false };
      queue.push(event);
      return () => {
        event.cancelled = true;
      };
    },
    run: async (isOver, { untilMs, events }) => {
      for (const end = numEvents + events; ; ) {
        await allThatFollows();
        if (isOver()) return "over";
        if (numEvents >= end) return "out-of-events";
        const event = queue.pop();
        if (event === null) return "still";
        if (event.cancelled) continue;
        if (event.atMs > untilMs) {
          queue.push(event);
          nowMs = untilMs;
          return "out-of-time";
        }
        nowMs = event.atMs;
        numEvents++;
        event.action();
      }
    },
  };
}

/** Node empties the queue of microtasks between two immediates. */
const allThatFollows = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
