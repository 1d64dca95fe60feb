/**
 * The promise's value, or `fallback` when it takes longer than `ms` or `signal` fires first. Whatever the promise
 * does later is ignored, and nothing stays behind on the signal.
 */
export function within<T>(promise: Promise<T>, ms: number, fallback: T, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => settle(() => resolve(fallback));
    const timer = setTimeout(giveUp, ms);
    const settle = (how: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
      how();
    };
    signal?.addEventListener("abort", giveUp);
    promise.then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
    if (signal?.aborted) giveUp();
  });
}
