import { derive, gaussian } from "../../dist/model/rng.js";

/**
 * Vectors to encode, of every length given: like deltas (Gaussian, and with a heavy tail) and unlike them (zeros, one
 * value, runs of a value, steps of eight, the largest and smallest floats side by side).
 */
export function vectorsOf(lengths) {
  return lengths.flatMap((length) =>
    Object.entries(SHAPES).map(([name, shape]) => {
      const rng = derive(1, "fuzz vector", name, length);
      return Float32Array.from({ length }, (_, i) => shape(rng, i, length));
    }),
  );
}

const SHAPES = {
  gaussian: (rng) => gaussian(rng),
  tailed: (rng) => gaussian(rng) ** 5,
  zeros: () => 0,
  constant: () => -0.75,
  runs: (_, i, length) => (i % 64 >= 20 && i % 64 < 20 + (length % 7) + 8 ? 2 : 0),
  rare: (rng, i) => (i % 29 === 3 ? gaussian(rng) : 0),
  steps: (_, i) => (i % 8) - 3,
  extreme: (rng) => EXTREMES[rng.below(EXTREMES.length)],
};

const EXTREMES = [0, 3.4028234e38, -3.4028234e38, 1e-45, -1e-45, 1, -1e-20, 65504, -7e4].map(Math.fround);
