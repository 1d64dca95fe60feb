import { type CodecArena, PART } from "./codec-arena.ts";
import type { CodecExports } from "./codec-exports.ts";

/** Stochastic rounding to levels, -steps..steps. */
export interface StochasticKernels {
  /**
   * |v| * steps / scale plus a draw, one a value, rounded down to at most `steps` (1 to 2^15-1), with the sign of v.
   * `scale`, above 0, is no less than any magnitude.
   */
  readonly stochasticLevels: (
    values: Float32Array,
    draws: Draws,
    scale: number,
    steps: number,
  ) => StochasticLevels;
  /** The sums of |level| * |value| and of level^2, in the order of the values. */
  readonly levelSums: (
    values: Float32Array,
    levels: Int16Array,
  ) => { readonly product: number; readonly square: number };
  /** Of every level the byte level + steps; here `steps` is 127 at most. */
  readonly levelCodes: (levels: Int16Array, steps: number) => Uint8Array;
}

/** A generator at its beginning, which a kernel may run by itself. */
export interface Draws {
  /** The words of xoshiro128**. */
  readonly state: () => readonly [number, number, number, number];
  /** Draws of [0, 1) in 2^-24, which come from these. */
  readonly fill: (into: Float32Array) => void;
}

export interface StochasticLevels {
  readonly levels: Int16Array;
  /** The largest magnitude among them. */
  readonly largest: number;
}

export const scalarStochastic: StochasticKernels = {
  stochasticLevels(values, { fill }, scale, steps) {
    const draws = new Float32Array(values.length);
    fill(draws);
    const levels = new Int16Array(values.length);
    let largest = 0;
    for (let i = 0; i < values.length; i++) {
      const level = Math.min(steps, Math.floor((Math.abs(values[i]!) * steps) / scale + draws[i]!));
      levels[i] = values[i]! < 0 ? -level : level;
      largest = Math.max(largest, level);
    }
    return { levels, largest };
  },

  levelSums(values, levels) {
    let [product, square] = [0, 0];
    for (let i = 0; i < levels.length; i++) {
      product += levels[i]! * values[i]!; // of one sign
      square += levels[i]! * levels[i]!;
    }
    return { product, square };
  },

  levelCodes(levels, steps) {
    const codes = new Uint8Array(levels.length);
    for (let i = 0; i < levels.length; i++) codes[i] = steps + levels[i]!;
    return codes;
  },
};

/** Levels fit into 16 bits, eight to a vector. */
const padded = (count: number): number => Math.ceil(count / 16) * 16;

export function simdStochastic(wasm: CodecExports, arena: CodecArena): StochasticKernels {
  const { place, bytes, words, shorts, floats, doubles } = arena;
  return {
    stochasticLevels(values, draws, scale, steps) {
      const [at, drawsAt, stateAt, out] = place(4 * PART, 4 * PART, 64, 2 * PART);
      words(stateAt, 4).set(draws.state());
      const levels = new Int16Array(values.length);
      let largest = 0;
      for (let start = 0; start < values.length; start += PART) {
        const part = values.subarray(start, start + PART);
        floats(at, padded(part.length)).fill(0, part.length).set(part);
        if (part.length === PART) wasm.drawLanes(stateAt, drawsAt);
        else wasm.draw(stateAt, padded(part.length), drawsAt);
        const most = wasm.stochasticLevels(at, drawsAt, padded(part.length), scale, steps, out);
        largest = Math.max(largest, most);
        levels.set(shorts(out, part.length), start);
      }
      return { levels, largest };
    },

    levelSums(values, levels) {
      const [at, levelsAt, sums] = place(4 * PART, 2 * PART, 16);
      doubles(sums, 2).fill(0);
      for (let start = 0; start < values.length; start += PART) {
        const part = values.subarray(start, start + PART);
        floats(at, part.length).set(part);
        shorts(levelsAt, part.length).set(levels.subarray(start, start + PART));
        wasm.addLevels(at, levelsAt, part.length, sums);
      }
      const [product, square] = doubles(sums, 2);
      return { product: product!, square: square! };
    },

    levelCodes(levels, steps) {
      const [at, out] = place(2 * PART, PART);
      const codes = new Uint8Array(levels.length);
      for (let start = 0; start < levels.length; start += PART) {
        const part = levels.subarray(start, start + PART);
        shorts(at, part.length).set(part);
        wasm.levelCodes(at, padded(part.length), steps, out);
        codes.set(bytes(out, part.length), start);
      }
      return codes;
    },
  };
}
