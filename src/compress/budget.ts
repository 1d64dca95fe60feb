import { codecKernels } from "../kernels/codec.ts";
import type { Budget, PlanRule } from "../model/protocol.ts";
import type { Positions, SparseVector } from "../model/tensor.ts";
import { varintBytes } from "./bytes.ts";
import type { TensorPrior } from "./history/prior.ts";
import { log2Of } from "./logarithm.ts";
import type { Encoded } from "./payload.ts";
import { type Cost, costOf, lambdaOf, scoresOf } from "./rate.ts";

/** Bytes of a frame's payloads, the length before each included. */
export interface Room {
  readonly bytes: number;
  /** So much of it may stay free. */
  readonly slack: number;
}

/** A vector that is coded by as many coordinates as there is room for. */
export interface Steered {
  /** Finite. */
  readonly vector: Float32Array;
  readonly prior: TensorPrior | null;
  /** Of one value, about. */
  readonly valueBits: number;
  readonly encode: (positions: Positions) => Encoded;
}

export interface Fitted {
  /** One a vector. */
  readonly encoded: readonly Encoded[];
  /** Of all coordinates, the share that is sent. */
  readonly density: number;
  /** The squared magnitude that a bit bought, of the coordinates sent the least. */
  readonly lambda: number;
  /** How often it took to encode all of them. */
  readonly trials: number;
}

/** The least budget of a frame: below, heads and the steps of one coordinate are more than three in a hundred. */
export const LEAST_BUDGET_BYTES = 256;

/** The share of a budget that may stay free. */
const SLACK = 0.03;

/** What a plan's frame may take; null without a budget. Its rules with one have the same. */
export const budgetOf = (rules: readonly PlanRule[]): Budget | null =>
  rules
    .map(({ codec: { select } }) => select)
    .find((select) => typeof select === "object" && "budget" in select)?.budget ?? null;

/** What is left of a frame's bytes for its payloads, when it has `headBytes` besides them. */
export const roomIn = (frameBytes: number, headBytes: number): Room => ({
  bytes: frameBytes - headBytes,
  slack: SLACK * frameBytes,
});

/** What a frame has besides payloads, by one of a byte for each group. */
export const headBytes = (
  groups: readonly unknown[],
  frameOf: (payloads: readonly Uint8Array[]) => Uint8Array,
): number => frameOf(groups.map(() => new Uint8Array(1))).length - 2 * groups.length;

export const framedBytes = (payload: Uint8Array): number => varintBytes(payload.length) + payload.length;

/**
 * The largest of all vectors together, by one threshold, so many that their payloads take the room but for the slack: all
 * where all fit, one where not even that does, and the most that fit where one more would turn a codebook into a longer
 * one. By rate the largest for their bits, see rate.ts. The search is over how many: by Newton's method on what the next
 * coordinate costs, and by halves where that leaves what is known; it takes two or three encodings, as a rule. Same
 * vectors, room and priors, same bytes.
 */
export function fitInto(members: readonly Steered[], room: Room, byRate: boolean): Fitted {
  const lengths = members.map(({ vector }) => vector.length);
  const total = lengths.reduce((sum, n) => sum + n, 0);
  const valueBits = members.reduce((sum, member) => sum + member.valueBits * member.vector.length, 0) / total;
  const target = room.bytes - room.slack / 2;
  const marginal = (count: number): number =>
    Math.max(1, log2Of((total - count + 0.5) / (count + 0.5)) + valueBits) / 8;
  const costs = (positions: readonly Positions[]): readonly Cost[] =>
    members.map((member, i) => costOf(positions[i]!, lengths[i]!, member.prior, member.valueBits));

  let count = firstCount(total, target - 8 * members.length, valueBits);
  let scores = joined(members.map(({ vector }) => vector));
  const pick = (among: number): readonly Positions[] =>
    parted(codecKernels(total).largest(scores, among), lengths);
  for (let pass = 0; byRate && pass < 2; pass++) {
    const ofMembers = costs(pick(count));
    scores = joined(members.map(({ vector }, i) => scoresOf(vector, ofMembers[i]!)));
  }

  const most = codecKernels(total).nonZero(scores).length;
  let best: { readonly encoded: readonly Encoded[]; readonly positions: readonly Positions[] } | null = null;
  let trials = 0;
  let [fits, exceeds] = [0, most + 1];
  count = Math.min(count, Math.max(1, most));
  for (;;) {
    const positions = most === 0 ? members.map(() => NONE) : pick(count);
    const encoded = members.map((member, i) => member.encode(positions[i]!));
    const bytes = encoded.reduce((sum, { payload }) => sum + framedBytes(payload), 0);
    trials++;
    if (bytes <= room.bytes) {
      [fits, best] = [count, { encoded, positions }];
      if (bytes >= room.bytes - room.slack || count >= most) break;
    } else {
      exceeds = count;
      if (count <= 1) best = { encoded, positions };
    }
    if (exceeds - fits <= 1) {
      if (best !== null) break;
      count = 1;
      continue;
    }
    const next = count + Math.round((target - bytes) / marginal(count));
    const isKnown = next <= fits || next >= exceeds;
    const middle = exceeds > most && fits > 0 ? Math.min(most, 2 * fits) : (fits + exceeds) >> 1;
    count = trials > MAX_NEWTON || isKnown ? Math.max(1, middle) : next;
  }
  const { encoded, positions } = best;
  const ofMembers = costs(positions);
  return {
    encoded,
    density: encoded.reduce((sum, { sent }) => sum + sentCount(sent), 0) / total,
    lambda: leastOf(
      members.flatMap(({ vector }, i) =>
        positions[i]!.length === 0 ? [] : [lambdaOf(vector, positions[i]!, ofMembers[i]!)],
      ),
    ),
    trials,
  };
}

/** 0 where nothing is sent. */
const leastOf = (lambdas: readonly number[]): number => (lambdas.length === 0 ? 0 : Math.min(...lambdas));

const MAX_NEWTON = 5;

const NONE: Positions = new Uint32Array(0);

const sentCount = ({ support, length }: SparseVector): number => support?.length ?? length;

/** How many of so many coordinates take about so many bytes, at n (log2(N / n) + log2(e) + value) bits. */
function firstCount(total: number, bytes: number, valueBits: number): number {
  let count = 1;
  for (let pass = 0; pass < 8; pass++)
    count = Math.min(total, Math.max(1, (8 * bytes) / (log2Of(total / count) + 1.44 + valueBits)));
  return Math.floor(count);
}

function joined(vectors: readonly Float32Array[]): Float32Array {
  if (vectors.length === 1) return vectors[0]!;
  const all = new Float32Array(vectors.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const vector of vectors) {
    all.set(vector, at);
    at += vector.length;
  }
  return all;
}

/** The positions of each part of a vector, which are rising. */
function parted(positions: Positions, lengths: readonly number[]): readonly Positions[] {
  let [start, from] = [0, 0];
  return lengths.map((length) => {
    const end = start + length;
    let to = from;
    while (to < positions.length && positions[to]! < end) to++;
    const offset = start;
    const part = positions.subarray(from, to).map((at) => at - offset);
    [start, from] = [end, to];
    return part;
  });
}
