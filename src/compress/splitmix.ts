/**
 * 32 bits at a time from a seed of 32: the generator of docs/wire-format.md, for choices that a payload names by their
 * seed alone (Steele, Lea and Flood, 2014, with the 32-bit mixer of Wellons' prospector). Integers only.
 */
export interface Words {
  /** The next word, 0 to 2^32-1. */
  readonly next: () => number;
  /** Uniform in 0..n-1 (n is 1 to 2^32): words at or above the largest multiple of n are skipped. */
  readonly below: (n: number) => number;
}

export function splitmix32(seed: number): Words {
  let state = seed;
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return {
    next,
    below(n) {
      const limit = 0x100000000 - (0x100000000 % n);
      for (;;) {
        const word = next();
        if (word < limit) return word % n;
      }
    },
  };
}
