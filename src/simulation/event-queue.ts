/** Something that will happen at its time; among those of the same time, in the order of `rank`. */
export interface Queued {
  readonly atMs: number;
  readonly rank: number;
}

export interface EventQueue<T extends Queued> {
  push(event: T): void;
  /** The next one; null when there is none. */
  pop(): T | null;
}

/** A binary heap by time, then by rank. */
export function eventQueue<T extends Queued>(): EventQueue<T> {
  const heap: T[] = [];
  const before = (a: T, b: T): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.rank < b.rank);
  const swap = (i: number, j: number): void => {
    const held = heap[i]!;
    heap[i] = heap[j]!;
    heap[j] = held;
  };
  return {
    push: (event) => {
      let i = heap.push(event) - 1;
      while (i > 0) {
        const parent = (i - 1) >> 1;
        if (before(heap[parent]!, event)) break;
        swap(i, parent);
        i = parent;
      }
    },
    pop: () => {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined) return null;
      if (heap.length === 0) return first;
      heap[0] = last;
      for (let i = 0; ; ) {
        const left = 2 * i + 1;
        if (left >= heap.length) return first;
        const right = left + 1;
        const least = right < heap.length && before(heap[right]!, heap[left]!) ? right : left;
        if (before(heap[i]!, heap[least]!)) return first;
        swap(i, least);
        i = least;
      }
    },
  };
}
