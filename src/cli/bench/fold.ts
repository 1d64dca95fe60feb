import { measureDeltas } from "../../aggregation/exponents.ts";
import { sendersOverOwners } from "../../aggregation/mean.ts";
import { addUpdate, emptyTally } from "../../aggregation/tally.ts";
import { byExamples, MAX_WEIGHT } from "../../aggregation/weight.ts";
import { codec } from "../../compress/codec.ts";
import { reusedScratch } from "../../compress/scratch.ts";
import type { Manifest } from "../../model/manifest.ts";
import type { UpdateMessage } from "../../model/message.ts";
import type { CodecSpec } from "../../model/protocol.ts";
import { derive, gaussian } from "../../model/rng.ts";
import { type SparseVector, toDense } from "../../model/tensor.ts";
import { median } from "./task.ts";

/** What `bench aggregate` folds, by name. */
export const foldCodecs = {
  float32: { select: "all", values: "float32" },
  int8: { select: "all", values: { uniform: 8 } },
  "top-1%": { select: { topK: 0.01 }, values: "ternary" },
  "top-0.1%": { select: { topK: 0.001 }, values: "ternary" },
} as const satisfies Readonly<Record<string, CodecSpec>>;

export type FoldCodec = keyof typeof foldCodecs;

export interface FoldCase {
  readonly codec: FoldCodec;
  readonly clients: number;
  readonly params: number;
}

export interface FoldRow extends FoldCase {
  /** From payloads to the mean delta: decoding, the checks of range and norm, folding, the mean. */
  readonly seconds: number;
  readonly decodeSeconds: number;
  readonly checkSeconds: number;
  readonly foldSeconds: number;
  readonly meanSeconds: number;
  /** 10^9 bytes of float32 that the updates stand for, a second: from payloads, and from decoded updates. */
  readonly GBps: number;
  readonly foldGBps: number;
  /** Of resident memory, looked at after every update, above what it was with the payloads made. */
  readonly peakMB: number;
  /** A plain JavaScript loop over dense float32, and a copy in memory, in the same process. */
  readonly loopGBps: number;
  readonly copyGBps: number;
}

const MAX_PAYLOADS = 4;

/**
 * Folds as the coordinator does: one update after the other, decoded and checked when it comes, in bytes of its own, and
 * gone when it is folded. Times are the clients' number times the median of one update, so that a busy moment does not
 * count; of folds, which may wait for others, by all that were done together. The loop and the copy run on a few updates
 * only; their speed is that of one.
 */
export function measureFold({ codec: name, clients, params }: FoldCase): FoldRow {
  const manifest: Manifest = { tensors: [{ name: "w", shape: [params] }] };
  const { decode } = codec(foldCodecs[name]);
  const payloads = payloadsOf(name, clients, params);
  const weigh = byExamples(2 ** 15);
  const grid = { exponents: [3], weightBudget: clients * MAX_WEIGHT };
  // once in full, which also makes the memory that a run makes once
  const tally = emptyTally(manifest, grid);
  fold(tally, messageOf(decode(payloads[0]!, params), 0));

  const before = process.memoryUsage().rss;
  let peak = before;
  const [decodes, checks, folds]: [number[], number[], number[]] = [[], [], []];
  let [together, foldMs] = [0, 0];
  const scratch = reusedScratch();
  decode(payloads[0]!, params, name, scratch); // says how much it takes
  scratch.reset();
  const counted = emptyTally(manifest, grid, tally.sums);
  for (let i = 0; i < clients; i++) {
    const payload = payloads[i % payloads.length]!.slice();
    const began = performance.now();
    scratch.reset();
    const update = messageOf(decode(payload, params, name, scratch), i);
    const decoded = performance.now();
    measureDeltas(update, manifest, grid.exponents);
    const checked = performance.now();
    fold(counted, update);
    if (i === clients - 1) counted.sums.settle();
    together++;
    foldMs += performance.now() - checked;
    if (counted.sums.isSettled()) {
      folds.push(foldMs / together);
      [together, foldMs] = [0, 0];
    }
    decodes.push(decoded - began);
    checks.push(checked - decoded);
    peak = Math.max(peak, process.memoryUsage().rss);
  }
  const began = performance.now();
  sendersOverOwners(counted);
  const meanMs = performance.now() - began;
  peak = Math.max(peak, process.memoryUsage().rss);

  const [decodeMs, checkMs, allFoldsMs] = [decodes, checks, folds].map(
    (times) => clients * median(times),
  ) as [number, number, number];
  const gigabytes = (4 * clients * params) / 1e9;
  const totalMs = decodeMs + checkMs + allFoldsMs + meanMs;
  const dense = toDense(decode(payloads[0]!, params));
  return {
    codec: name,
    clients,
    params,
    seconds: totalMs / 1e3,
    decodeSeconds: decodeMs / 1e3,
    checkSeconds: checkMs / 1e3,
    foldSeconds: allFoldsMs / 1e3,
    meanSeconds: meanMs / 1e3,
    GBps: gigabytes / (totalMs / 1e3),
    foldGBps: gigabytes / (allFoldsMs / 1e3),
    peakMB: (peak - before) / 1e6,
    loopGBps: speedOf(dense, plainLoop()),
    copyGBps: speedOf(dense, copy()),
  };

  function fold(into: typeof tally, update: UpdateMessage): void {
    addUpdate(into, update, weigh(update, { version: 0, lastLoss: null, usualNorm: null }), 1);
  }
}

/** Distinct ones, which the clients share. */
export function payloadsOf(name: FoldCodec, clients: number, params: number): readonly Uint8Array[] {
  const { encode } = codec(foldCodecs[name]);
  const rng = derive(1, "bench aggregate");
  return Array.from({ length: Math.min(clients, MAX_PAYLOADS) }, (_, i) => {
    const vector = Float32Array.from(
      { length: params },
      () => 1e-3 * gaussian(rng) * Math.exp(gaussian(rng)),
    );
    return encode(vector, i).payload;
  });
}

export const messageOf = (delta: SparseVector, i: number): UpdateMessage => ({
  clientId: `client-${i}`,
  round: 1,
  baseVersion: 0,
  numExamples: 1 + ((i * 7919) % 1000),
  numSteps: 1,
  trainLoss: 1,
  tensors: new Map([["w", { mask: null, delta }]]),
});

const plainLoop = () => {
  let sums = new Float32Array(0);
  return (values: Float32Array): void => {
    if (sums.length === 0) sums = new Float32Array(values.length);
    for (let i = 0; i < values.length; i++) sums[i]! += 0.3 * values[i]!;
  };
};

const copy = () => {
  let target = new Float32Array(0);
  return (values: Float32Array): void => {
    if (target.length === 0) target = new Float32Array(values.length);
    target.set(values);
  };
};

/** The best of a few, after a warm-up. */
function speedOf(values: Float32Array, work: (values: Float32Array) => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 12; turn++) {
    const began = performance.now();
    work(values);
    if (turn >= 2) best = Math.min(best, performance.now() - began);
  }
  return (4 * values.length) / 1e6 / best;
}
