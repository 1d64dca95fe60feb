import { NUM_TABLES, TABLE } from "../../kernels/codec-history.ts";
import { assert } from "../../model/assert.ts";
import type { Manifest } from "../../model/manifest.ts";
import { type SparseVector, sizeOf } from "../../model/tensor.ts";
import { matrixOf } from "../matrix.ts";

/** What a history remembers: of all coordinates of the manifest's tensors, one after the other, and of their contexts. */
export interface HistoryState {
  /** How many deltas were folded, modulo 2^32. */
  readonly version: number;
  /** Sums of what was broadcast, in 2^-8 of its tensor's mean magnitude, that lose an eighth and a quarter a version. */
  readonly slow: Uint16Array;
  readonly fast: Uint16Array;
  /** The slow one with signs. */
  readonly drift: Int16Array;
  /** Versions since something was broadcast, up to 254; 255 when nothing ever was. */
  readonly age: Uint8Array;
  readonly weights: Int32Array;
  /** Of every context how often nothing and something was broadcast, in sixteenths; a version takes a 32nd off. */
  readonly counters: Float64Array;
}

export interface Layout {
  readonly name: string;
  readonly start: number;
  readonly rows: number;
  readonly cols: number;
}

export function layoutOf({ tensors }: Manifest): readonly Layout[] {
  let start = 0;
  return tensors.map(({ name, shape }) => {
    const size = sizeOf(shape);
    const layout = { name, start, ...(size === 0 ? { rows: 0, cols: 0 } : matrixOf(shape)) };
    start += size;
    return layout;
  });
}

/** Nothing was broadcast yet; every table has a quarter of the say. */
export function firstState(length: number): HistoryState {
  return {
    version: 0,
    slow: new Uint16Array(length),
    fast: new Uint16Array(length),
    drift: new Int16Array(length),
    age: new Uint8Array(length).fill(NEVER),
    weights: new Int32Array(NUM_TABLES).fill(2 ** 24),
    counters: new Float64Array(2 * NUM_TABLES * TABLE),
  };
}

const NEVER = 255;

/** The magnitudes of a delta that is not zero, beside the mean of its tensor. */
export interface Steps {
  readonly sent: Uint8Array;
  readonly steps: Int16Array;
}

export function stepsOf(
  layouts: readonly Layout[],
  delta: ReadonlyMap<string, SparseVector>,
  length: number,
): Steps {
  const [sent, steps] = [new Uint8Array(length), new Int16Array(length)];
  for (const { name, start, rows, cols } of layouts) {
    const vector = delta.get(name);
    if (vector === undefined) continue;
    assert(vector.length === rows * cols, `${name} is as the history has it`);
    const { support, values } = vector;
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += Math.abs(values[i]!);
    if (sum === 0) continue;
    const mean = sum / values.length;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value === 0) continue;
      const at = start + (support === null ? i : support[i]!);
      const step = Math.min(Math.floor((UNIT * Math.abs(value)) / mean), MOST_STEP);
      sent[at] = 1;
      steps[at] = value < 0 ? -step : step;
    }
  }
  return { sent, steps };
}

const UNIT = 2 ** 8;
/** What is left of the sums between versions holds them below 8 times as much. */
const MOST_STEP = 2 ** 11;

/** The sums and ages of the next version. */
export function moved(
  state: HistoryState,
  { sent, steps }: Steps,
): Pick<HistoryState, "slow" | "fast" | "drift" | "age"> {
  const { slow, fast, drift, age } = state;
  const { length } = sent;
  const [slows, fasts] = [new Uint16Array(length), new Uint16Array(length)];
  const [drifts, ages] = [new Int16Array(length), new Uint8Array(length)];
  for (let i = 0; i < length; i++) {
    const step = steps[i]!;
    const magnitude = step < 0 ? -step : step;
    const [before, signed, old] = [slow[i]!, drift[i]!, age[i]!];
    slows[i] = before - (before >> 3) + magnitude;
    fasts[i] = fast[i]! - (fast[i]! >> 2) + magnitude;
    drifts[i] = signed - ((signed + (signed < 0 ? 7 : 0)) >> 3) + step;
    ages[i] = sent[i] === 1 ? 0 : old < NEVER - 1 ? old + 1 : old;
  }
  return { slow: slows, fast: fasts, drift: drifts, age: ages };
}

export function counted(counters: Float64Array, hits: Uint32Array): Float64Array {
  return counters.map((count, i) => count - Math.floor(count / 32) + 16 * hits[i]!);
}
