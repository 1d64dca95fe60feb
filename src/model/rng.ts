/**
 * Seeded randomness in integers only, so every engine draws the same numbers: xoshiro128** (Blackman and Vigna,
 * 2018), seeded by hashing a path of labels. `derive` gives independent streams without passing state around.
 */
export interface Rng {
  /** The next 32 bits, 0 to 2^32-1. */
  readonly uint32: () => number;
  /** Uniform in [0, 1), a multiple of 2^-24: exact in float32. */
  readonly uniform: () => number;
  /** As many numbers as there is room for: those that `uniform` would give, at a fraction of the time. */
  readonly fill: (into: Float32Array) => void;
  /** The four words of xoshiro128** from which the next numbers come. */
  readonly state: () => readonly [number, number, number, number];
  /** Uniform integer in [0, n), without modulo bias. */
  readonly below: (n: number) => number;
}

export type Label = string | number;

/** The stream named by a seed and a path of labels, such as `derive(seed, "client", 3, "round", 7)`. */
export function derive(seed: number, ...path: readonly Label[]): Rng {
  return xoshiro128(hashLabels(seed, path));
}

/** A seed (0 to 2^32-1) for something that takes a number. */
export const deriveSeed = (seed: number, ...path: readonly Label[]): number => derive(seed, ...path).uint32();

/** A uniformly random order of 0..n-1 (Fisher-Yates). */
export function permutation(n: number, rng: Rng): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = rng.below(i + 1);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

/** Standard normal by the polar method; uses Math.log, so never where bits must agree between engines. */
export function gaussian(rng: Rng): number {
  for (;;) {
    const u = 2 * rng.uniform() - 1;
    const v = 2 * rng.uniform() - 1;
    const s = u * u + v * v;
    if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s);
  }
}

function xoshiro128([a0, b0, c0, d0]: readonly [number, number, number, number]): Rng {
  let a = a0;
  let b = b0;
  let c = c0;
  let d = d0 | 1; // never all zero
  const uint32 = (): number => {
    const r = Math.imul(b, 5);
    const result = Math.imul((r << 7) | (r >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  return {
    uint32,
    uniform: () => (uint32() >>> 8) / 0x1000000,
    fill(into) {
      let [i, j, k, l] = [a, b, c, d]; // as variables of this call they stay in registers
      for (let at = 0; at < into.length; at++) {
        const r = Math.imul(j, 5);
        into[at] = (Math.imul((r << 7) | (r >>> 25), 9) >>> 8) / 0x1000000;
        const t = j << 9;
        k ^= i;
        l ^= j;
        j ^= k;
        i ^= l;
        k ^= t;
        l = (l << 11) | (l >>> 21);
      }
      [a, b, c, d] = [i, j, k, l];
    },
    state: () => [a, b, c, d],
    below: (n) => {
      const limit = 0x100000000 - (0x100000000 % n);
      for (;;) {
        const x = uint32();
        if (x < limit) return x % n;
      }
    },
  };
}

/** Four words from the labels: FNV-1a over their text, then splitmix32 to spread it. */
function hashLabels(seed: number, path: readonly Label[]): readonly [number, number, number, number] {
  const text = `${seed}/${path.map((label) => (typeof label === "number" ? label : JSON.stringify(label))).join("/")}`;
  let high = 0x811c9dc5;
  let low = 0x9e3779b9;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 0x01000193);
    low = Math.imul(low ^ code, 0x85ebca6b) ^ (low >>> 15);
  }
  let state = high ^ Math.imul(low, 0xc2b2ae35);
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ low;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  return [next(), next(), next(), next()];
}
