/** A queue with a fixed capacity: what does not fit is the caller's to count. */
export interface Ring<T> {
  readonly size: () => number;
  /** Adds at the end. When full, the oldest makes room and is returned. */
  readonly push: (value: T) => T | undefined;
  /** Takes the oldest. */
  readonly shift: () => T | undefined;
  /** Puts one back in front; only after a shift, so there is room. */
  readonly unshift: (value: T) => void;
  /** Oldest first. */
  readonly toArray: () => T[];
  /** Takes all, oldest first. */
  readonly drain: () => T[];
}

export function ring<T>(capacity: number): Ring<T> {
  const slots: (T | undefined)[] = [];
  let head = 0;
  let size = 0;
  const at = (i: number): number => (head + i) % capacity;
  const shift = (): T | undefined => {
    if (size === 0) return undefined;
    const value = slots[head];
    slots[head] = undefined;
    head = at(1);
    size--;
    return value;
  };
  const toArray = (): T[] => Array.from({ length: size }, (_, i) => slots[at(i)] as T);
  return {
    size: () => size,
    push: (value) => {
      const oldest = size === capacity ? shift() : undefined;
      slots[at(size)] = value;
      size++;
      return oldest;
    },
    shift,
    unshift: (value) => {
      head = (head + capacity - 1) % capacity;
      slots[head] = value;
      size++;
    },
    toArray,
    drain: () => {
      const all = toArray();
      slots.length = 0;
      head = 0;
      size = 0;
      return all;
    },
  };
}
