/** Runs `work`, then everything it deferred, last first, whatever happened; the first error wins. */
export async function withCleanup<T>(
  work: (defer: (undo: () => void | Promise<void>) => void) => Promise<T>,
): Promise<T> {
  const deferred: (() => void | Promise<void>)[] = [];
  let failure: { readonly error: unknown } | null = null;
  let result: T | undefined;
  try {
    result = await work((undo) => deferred.push(undo));
  } catch (error) {
    failure = { error };
  }
  for (const undo of deferred.reverse()) {
    try {
      await undo();
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure) throw failure.error;
  return result as T;
}
