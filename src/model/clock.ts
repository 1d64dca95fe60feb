/** Time as a port: the wall's in a deployed process, virtual in a simulation. */
export interface Clock {
  /** Milliseconds since the process or simulation began; never goes back. */
  now(): number;
  /** Runs `action` once, after `ms` milliseconds; the answer cancels it. */
  after(ms: number, action: () => void): () => void;
}

/** Resolves after `ms`; rejects with the signal's reason when that comes first. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
