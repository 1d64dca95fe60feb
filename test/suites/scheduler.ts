/** Lets one of those who wait go on at a time, whichever `choose` picks of so many. */
export interface Scheduler {
  /** Resolves when it is this one's turn. */
  readonly step: () => Promise<void>;
  /** Until nobody waits any more, or `before` says so, which is asked before each turn. */
  readonly run: (before?: () => boolean) => Promise<void>;
}

export function scheduler(choose: (n: number) => number): Scheduler {
  const waiting: (() => void)[] = [];
  return {
    step: () => new Promise((resolve) => waiting.push(resolve)),
    async run(before = () => true) {
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve)); // whoever can go on without a turn has
        if (waiting.length === 0 || !before()) return;
        waiting.splice(choose(waiting.length), 1)[0]!();
      }
    },
  };
}

/**
 * Runs `trial` with every sequence of choices that there is, or with `most` of them, in the order of the first differing
 * choice; the answer is how many there were.
 */
export async function everyOrder(
  trial: (choose: (n: number) => number) => Promise<void>,
  most = Infinity,
): Promise<number> {
  let prefix: readonly number[] = [];
  for (let trials = 1; ; trials++) {
    const made: { readonly chosen: number; readonly of: number }[] = [];
    await trial((n) => {
      const chosen = prefix[made.length] ?? 0;
      made.push({ chosen, of: n });
      return chosen;
    });
    const last = made.findLastIndex(({ chosen, of }) => chosen + 1 < of);
    if (last < 0 || trials >= most) return trials;
    prefix = [...made.slice(0, last).map(({ chosen }) => chosen), made[last]!.chosen + 1];
  }
}
