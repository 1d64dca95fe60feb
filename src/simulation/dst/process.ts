import type { Clock } from "../../model/clock.ts";
import type { Scheduler } from "./scheduler.ts";

/**
 * One life of a simulated process. All that it does goes through its ports; when it is killed these fall silent, so that
 * whatever awaits them never goes on: everything in memory is gone, at any await, with no goodbye.
 */
export interface Process {
  readonly name: string;
  readonly isAlive: () => boolean;
  /** Something reaches the process: at once, when its pause is over, or never. */
  readonly deliver: (action: () => void) => void;
  /** The process calls a port. False when it died before, or dies of this call. */
  readonly call: () => boolean;
  readonly kill: () => void;
  /** Kills it in the midst of what it does, at its so-many-th call of a port from now, and then tells. */
  readonly killAtCall: (n: number, onDeath: () => void) => void;
  /** Nothing happens in it for so long, as if it were stopped by a signal or a long collection of garbage. */
  readonly pause: (ms: number) => void;
  /** When that is over, or was. */
  readonly pausedUntil: () => number;
}

export function spawn(name: string, time: Scheduler): Process {
  let alive = true;
  let callsLeft = Infinity;
  let pausedUntil = 0;
  let tell: () => void = () => {};
  const deliver = (action: () => void): void => {
    if (!alive) return;
    if (pausedUntil > time.now()) time.after(pausedUntil - time.now(), () => deliver(action));
    else action();
  };
  return {
    name,
    isAlive: () => alive,
    deliver,
    call: () => {
      if (alive && --callsLeft <= 0) {
        alive = false;
        tell();
      }
      return alive;
    },
    kill: () => {
      alive = false;
    },
    killAtCall: (n, onDeath) => {
      callsLeft = n;
      tell = onDeath;
    },
    pause: (ms) => {
      pausedUntil = Math.max(pausedUntil, time.now() + ms);
    },
    pausedUntil: () => pausedUntil,
  };
}

/** What a port answers a dead process. */
export const never = <T>(): Promise<T> => new Promise(() => {});

/** A clock that begins with the process, goes at its own rate, never back, and now and then jumps ahead by a leap. */
export function clockOf(
  process: Process,
  time: Scheduler,
  rate: number,
): { readonly clock: Clock; readonly leap: (ms: number) => void } {
  const begin = time.now();
  let leapt = 0;
  const now = (): number => (time.now() - begin) * rate + leapt;
  return {
    clock: {
      now,
      after: (ms, action) =>
        process.call() ? time.after(ms / rate, () => process.deliver(action)) : () => {},
    },
    leap: (ms) => {
      leapt += ms;
    },
  };
}
