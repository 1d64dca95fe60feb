import { type Clock, sleep } from "../../model/clock.ts";
import { isDiskFull } from "../../model/disk-full.ts";

/** Between two tries on a disk that is full. */
const RETRY_MS = 1000;

/** Waits until there is room where there is none, and tells when that begins and ends; any other error is passed on. */
export interface Patience {
  readonly run: <T>(action: () => Promise<T>) => Promise<T>;
  readonly isStalled: () => boolean;
  /** Whatever waits for room rejects with this, now and later. */
  readonly stop: (reason: Error) => void;
}

export function patience(
  clock: Clock,
  told: { readonly stalled: (detail: string) => void; readonly resumed: (waitedMs: number) => void },
): Patience {
  const aborter = new AbortController();
  let numWaiting = 0;
  let sinceMs = 0;
  return {
    async run(action) {
      let hasWaited = false;
      const ended = (): void => {
        if (hasWaited && --numWaiting === 0 && !aborter.signal.aborted) told.resumed(clock.now() - sinceMs);
      };
      for (;;) {
        try {
          const result = await action();
          ended();
          return result;
        } catch (error) {
          if (!isDiskFull(error)) {
            ended();
            throw error;
          }
          if (!hasWaited && numWaiting++ === 0) {
            sinceMs = clock.now();
            told.stalled((error as Error).message);
          }
          hasWaited = true;
        }
        await sleep(clock, RETRY_MS, aborter.signal);
      }
    },
    isStalled: () => numWaiting > 0,
    stop: (reason) => aborter.abort(reason),
  };
}
