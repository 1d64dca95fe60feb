import { type CodecArena, PART } from "./codec-arena.ts";
import type { CodecExports } from "./codec-exports.ts";
import type { Pointer } from "./kernels.ts";

/**
 * The loops over all coordinates of a history: every coordinate has a context in each of NUM_TABLES tables, which give
 * log2 odds in 2^-9 beside those of all coordinates; a weighted sum of them, by weights in 2^-26, are its own odds. Integers
 * only. docs/wire-format.md, "Histories", has it step by step.
 */
export interface HistoryKernels {
  /** The log2 odds of every coordinate as a class: half a power of two each, 0 the most probable, 31 the least. */
  readonly classesOf: (planes: HistoryPlanes, mixer: Mixer, classes: Uint8Array) => void;
  /**
   * Moves `mixer.weights` coordinate by coordinate, in order, towards what was sent (1, else 0), and counts in `hits`
   * for every context how often nothing and something was.
   */
  readonly learn: (planes: HistoryPlanes, mixer: Mixer, sent: Uint8Array, hits: Uint32Array) => void;
}

/** A tensor's coordinates, as log2 buckets. */
export interface HistoryPlanes {
  /** Of the tensor, 0 to 15. */
  readonly layer: number;
  /** 0 to 31 each: of the two sums of what was broadcast of it lately, and of the slow one's means over row and column. */
  readonly slow: Uint8Array;
  readonly fast: Uint8Array;
  readonly row: Uint8Array;
  readonly column: Uint8Array;
  /** 0 to 15: how long ago something was. */
  readonly age: Uint8Array;
}

export interface Mixer {
  /** Log2 odds of a coordinate of which nothing is known, in 2^-9. */
  readonly base: number;
  /** NUM_TABLES tables of TABLE entries each, -4095 to 4095 in 2^-9. */
  readonly tables: Int32Array;
  /** NUM_TABLES of them, in 2^-26: -2 to 2. */
  readonly weights: Int32Array;
}

export const NUM_TABLES = 8;
export const TABLE = 1024;
const MOST_WEIGHT = 2 ** 27 - 1;

export const scalarHistory: HistoryKernels = {
  classesOf(planes, mixer, classes) {
    const contexts = new Int32Array(NUM_TABLES);
    const weights = mixer.weights.map((w) => w >> 12);
    for (let i = 0; i < classes.length; i++) {
      contextsAt(planes, i, contexts);
      classes[i] = classOf(oddsOf(mixer, weights, contexts));
    }
  },

  learn(planes, mixer, sent, hits) {
    const contexts = new Int32Array(NUM_TABLES);
    const { weights, tables } = mixer;
    const coarse = weights.map((w) => w >> 12);
    for (let i = 0; i < sent.length; i++) {
      contextsAt(planes, i, contexts);
      const bit = sent[i]!;
      const error = (bit << 16) - probabilityOf(oddsOf(mixer, coarse, contexts));
      for (let t = 0; t < NUM_TABLES; t++) {
        const at = contexts[t]!;
        hits[2 * at + bit]! += 1;
        const weight = weights[t]! + ((error * tables[at]!) >> RATE);
        weights[t] = Math.min(Math.max(weight, -MOST_WEIGHT), MOST_WEIGHT);
        coarse[t] = weights[t]! >> 12;
      }
    }
  },
};

const RATE = 10;

function contextsAt(planes: HistoryPlanes, i: number, into: Int32Array): void {
  const { layer } = planes;
  const slow = planes.slow[i]!;
  const row = planes.row[i]!;
  const column = planes.column[i]!;
  into[0] = layer;
  into[1] = TABLE + 32 * layer + slow;
  into[2] = 2 * TABLE + 16 * planes.fast[i]! + planes.age[i]!;
  into[3] = 3 * TABLE + 32 * layer + row;
  into[4] = 4 * TABLE + 32 * layer + column;
  into[5] = 5 * TABLE + 32 * slow + row;
  into[6] = 6 * TABLE + 32 * slow + column;
  into[7] = 7 * TABLE + 32 * row + column;
}

function oddsOf({ base, tables }: Mixer, weights: Int32Array, contexts: Int32Array): number {
  let sum = 0;
  for (let t = 0; t < NUM_TABLES; t++) sum += weights[t]! * tables[contexts[t]!]!;
  return base + (sum >> 14);
}

const classOf = (odds: number): number => Math.min(Math.max((768 - odds) >> 8, 0), 31);

/** In 2^-16, of odds taken down to a sixteenth of a power of two and held to 2^-14 to 2^2. */
const probabilityOf = (odds: number): number =>
  PROBABILITIES[Math.min(Math.max((odds >> 5) + 14 * 16, 0), PROBABILITIES.length - 1)]!;

/** 2^(j / 16) in 2^-16, to the nearest. */
const POWERS = [
  65536, 68438, 71468, 74632, 77936, 81386, 84990, 88752, 92682, 96785, 101070, 105545, 110218, 115098,
  120194, 125515,
] as const;

/** Of odds o = 2^(n / 16 - 14), o / (1 + o). */
const PROBABILITIES = Int32Array.from({ length: 16 * 16 }, (_, n) => {
  const odds = POWERS[n % 16]! * 2 ** Math.floor(n / 16);
  return Math.floor((2 ** 16 * odds) / (2 ** 30 + odds));
});

const NAMES = ["slow", "fast", "row", "column", "age"] as const;

export function simdHistory(wasm: CodecExports, { place, bytes, words }: CodecArena): HistoryKernels {
  /** Brings tables and weights in; `byParts` then the planes, and tells `work` where in them a part begins. */
  const opened = ({ tables, weights }: Mixer) => {
    const [at, flags, tablesAt, weightsAt, shares, hitsAt] = place(
      NAMES.length * PART,
      PART,
      4 * tables.length,
      4 * NUM_TABLES,
      4 * PROBABILITIES.length,
      8 * tables.length,
    );
    words(tablesAt, tables.length).set(tables);
    words(weightsAt, NUM_TABLES).set(weights);
    const byParts = (planes: HistoryPlanes, work: (start: number, count: number) => void): void => {
      const { length } = planes.slow;
      for (let start = 0; start < length; start += PART) {
        NAMES.forEach((name, i) => {
          const part = planes[name].subarray(start, start + PART);
          bytes((at + i * PART) as Pointer, part.length).set(part);
        });
        work(start, Math.min(PART, length - start));
      }
    };
    return { at, flags, tablesAt, weightsAt, shares, hitsAt, byParts };
  };
  return {
    classesOf(planes, mixer, classes) {
      const { at, flags, tablesAt, weightsAt, byParts } = opened(mixer);
      byParts(planes, (start, count) => {
        wasm.historyClasses(at, PART, count, planes.layer, tablesAt, weightsAt, mixer.base, flags);
        classes.set(bytes(flags, count), start);
      });
    },

    learn(planes, mixer, sent, hits) {
      const { at, flags, tablesAt, weightsAt, shares, hitsAt, byParts } = opened(mixer);
      words(shares, PROBABILITIES.length).set(PROBABILITIES);
      words(hitsAt, hits.length).set(hits);
      byParts(planes, (start, count) => {
        bytes(flags, count).set(sent.subarray(start, start + count));
        wasm.historyLearn(
          at,
          PART,
          count,
          planes.layer,
          tablesAt,
          weightsAt,
          mixer.base,
          flags,
          shares,
          hitsAt,
        );
      });
      mixer.weights.set(words(weightsAt, NUM_TABLES));
      hits.set(words(hitsAt, hits.length));
    },
  };
}
