import type { Clock } from "../model/clock.ts";
import { eventQueue } from "./event-queue.ts";

/**
 * Virtual time. One event happens at a time, and all that follows from it happens before the next; worker threads
 * compute meanwhile, but their timing never shows: a result is taken at its virtual moment, however long that takes.
 */
export interface World {
  readonly clock: Clock;
  /** Schedules an action after `ms`; the next event waits for it. */
  after(ms: number, action: () => void | Promise<void>): () => void;
  /** Real work that virtual time must not run ahead of. */
  hold<T>(work: Promise<T>): Promise<T>;
  /** Lets time pass until `done` settles; throws when nothing is left that could happen. */
  run<T>(done: Promise<T>): Promise<T>;
}

interface Scheduled {
  readonly atMs: number;
  readonly rank: number;
  readonly action: () => void | Promise<void>;
  cancelled: boolean;
}

export function world(): World {
  const queue = eventQueue<Scheduled>();
  const held = new Set<Promise<unknown>>();
  let nowMs = 0;
  let sequence = 0;

  const after = (ms: number, action: Scheduled["action"]): (() => void) => {
    const event: Scheduled = {
      atMs: nowMs + Math.max(0, ms),
      rank: sequence++,
      action,
      cancelled: false,
    };
    queue.push(event);
    return () => {
      event.cancelled = true;
    };
  };

  const hold = <T>(work: Promise<T>): Promise<T> => {
    const forget = () => {
      held.delete(settled);
    };
    const settled: Promise<void> = work.then(forget, forget);
    held.add(settled);
    return work;
  };

  const run = async <T>(done: Promise<T>): Promise<T> => {
    let over = false;
    const end = () => {
      over = true;
    };
    done.then(end, end);
    for (;;) {
      await microtasks();
      if (over) return done;
      if (held.size > 0) {
        await Promise.race(held);
        continue;
      }
      const event = queue.pop();
      if (event === null) throw new Error("the simulation stands still: everybody waits and no timer runs");
      if (event.cancelled) continue;
      nowMs = event.atMs;
      await event.action();
    }
  };

  return { clock: { now: () => nowMs, after }, after, hold, run };
}

/** Everything that is ready runs first: Node empties the microtask queue between two immediates. */
const microtasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
