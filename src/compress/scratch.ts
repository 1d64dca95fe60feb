/** Where a decoder puts the values that it makes of payloads. What it is given may hold anything. */
export interface Scratch {
  readonly floats: (length: number) => Float32Array;
}

export interface ReusedScratch extends Scratch {
  readonly reset: () => void;
}

/** Memory of their own for all. */
export const fresh: Scratch = { floats: (length) => new Float32Array(length) };

/**
 * The same memory for one update after the other, since the first touch of new memory takes longer than decoding does:
 * what was decoded before the last reset is overwritten. It grows to the most that was asked for between two resets.
 */
export function reusedScratch(): ReusedScratch {
  let memory = new Float32Array(0);
  let [asked, given] = [0, 0];
  return {
    floats(length) {
      asked += length;
      if (given + length > memory.length) return new Float32Array(length);
      given += length;
      return memory.subarray(given - length, given);
    },
    reset() {
      if (asked > memory.length) memory = new Float32Array(asked);
      [asked, given] = [0, 0];
    },
  };
}
