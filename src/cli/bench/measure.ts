import { type SparseVector, toDense } from "../../model/tensor.ts";
import type { Subject } from "./codecs.ts";
import { median } from "./task.ts";

/** Vectors that are coded one by one, and counted together. */
export interface BenchInput {
  readonly name: string;
  readonly vectors: readonly Float32Array[];
}

export interface CodecRow {
  readonly input: string;
  readonly codec: string;
  readonly about: string;
  /** 10^6 bytes of float32 a second, into the code and out of it. */
  readonly encodeMBps: number;
  readonly decodeMBps: number;
  readonly copyMBps: number;
  /** How often the vectors could be copied in memory meanwhile. */
  readonly encodeCopies: number;
  readonly decodeCopies: number;
  readonly bytes: number;
  readonly bitsPerCoordinate: number;
  /**
   * Bits over the order-0 entropy of what is sent: of the support, H(p) a coordinate, and of the symbols of its
   * values. Null where those are too many for their frequencies to say something. Below 1 where the support is not
   * free, as it is with blocks or a seed.
   */
  readonly overBound: number | null;
  /** Squared error over squared norm. */
  readonly distortion: number;
}

/** Medians of `turns` turns, after a warm-up; the copy is measured in the same turns. */
export function measureCodec(
  codec: string,
  { about, encode, decode, symbols }: Subject,
  { name, vectors }: BenchInput,
  turns: number,
): CodecRow {
  const payloads = vectors.map(encode);
  const decoded = payloads.map((bytes, i) => decode(bytes, vectors[i]!.length));
  const target = new Float32Array(Math.max(...vectors.map(({ length }) => length)));
  const [encodeMs, decodeMs, copyMs] = timed(turns, [
    () => vectors.forEach((vector) => void encode(vector)),
    () => payloads.forEach((bytes, i) => void decode(bytes, vectors[i]!.length)),
    () => vectors.forEach((vector) => void target.set(vector)),
  ]);
  const coordinates = vectors.reduce((sum, { length }) => sum + length, 0);
  const bytes = payloads.reduce((sum, { length }) => sum + length, 0);
  const bounds = decoded.map((sent, i) => orderZeroBits(sent, symbols?.(payloads[i]!, sent.length)));
  const bound = bounds.reduce<number | null>((sum, b) => (sum === null || b === null ? null : sum + b), 0);
  return {
    input: name,
    codec,
    about,
    encodeMBps: (4 * coordinates) / 1000 / encodeMs,
    decodeMBps: (4 * coordinates) / 1000 / decodeMs,
    copyMBps: (4 * coordinates) / 1000 / copyMs,
    encodeCopies: encodeMs / copyMs,
    decodeCopies: decodeMs / copyMs,
    bytes,
    bitsPerCoordinate: (8 * bytes) / coordinates,
    overBound: bound === null || bound === 0 ? null : (8 * bytes) / bound,
    distortion: distortionOf(vectors, decoded.map(toDense)),
  };
}

/** Milliseconds of each of three things, in turns, so that a busy moment does not fall on one of them only. */
function timed(turns: number, actions: readonly [() => void, () => void, () => void]) {
  const once = (action: () => void, times: number): number => {
    const startMs = performance.now();
    for (let i = 0; i < times; i++) action();
    return (performance.now() - startMs) / times;
  };
  const repeats = actions.map((action) => {
    once(action, 1);
    once(action, Math.min(20, timesFor(WARM_UP_MS, once(action, 1))));
    return timesFor(TURN_MS, once(action, 1));
  });
  const taken: [number[], number[], number[]] = [[], [], []];
  for (let turn = 0; turn < turns; turn++)
    for (const [i, action] of actions.entries()) taken[i]!.push(once(action, repeats[i]!));
  return [median(taken[0]), median(taken[1]), median(taken[2])] as const;
}

/** Enough of it to outlast the clock's steps and a collection of garbage. */
const TURN_MS = 10;
const WARM_UP_MS = 100;
const timesFor = (wantedMs: number, onceMs: number): number =>
  Math.min(1000, Math.max(1, Math.ceil(wantedMs / Math.max(onceMs, 1e-3))));

/** The order-0 entropy, in bits, of a support and the symbols of its values. */
export function orderZeroBits(
  { length, support, values }: SparseVector,
  symbols: Iterable<number> = values,
): number | null {
  const ofSupport = support === null ? 0 : entropyBits([support.length, length - support.length]);
  const counts = new Map<number, number>();
  for (const symbol of symbols) {
    counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    if (counts.size > 16 && counts.size > values.length / 4) return null;
  }
  return ofSupport + entropyBits([...counts.values()]);
}

/** Of all of these together: sum of c * log2(total / c). */
function entropyBits(counts: readonly number[]): number {
  const total = counts.reduce((sum, c) => sum + c, 0);
  return counts.reduce((sum, c) => (c === 0 ? sum : sum + c * Math.log2(total / c)), 0);
}

function distortionOf(vectors: readonly Float32Array[], sent: readonly Float32Array[]): number {
  let [lost, whole] = [0, 0];
  for (const [k, vector] of vectors.entries())
    for (let i = 0; i < vector.length; i++) {
      lost += (vector[i]! - sent[k]![i]!) ** 2;
      whole += vector[i]! ** 2;
    }
  return whole === 0 ? 0 : lost / whole;
}
