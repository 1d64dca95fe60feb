import { codecKernels } from "../kernels/codec.ts";
import { scatterOnGrid } from "../kernels/scatter.ts";
import { assert } from "../model/assert.ts";
import { WireError } from "../model/error.ts";
import type { Manifest } from "../model/manifest.ts";
import type { TensorUpdate, UpdateMessage } from "../model/message.ts";
import type { Grid } from "../model/protocol.ts";
import { sizeOf } from "../model/tensor.ts";

/**
 * The exact tally of a round: `sum = Σ n·δ` and `owners = Σ n` over those that own the coordinate, as integers on
 * a grid fixed when the round opened. Each product n·δ is rounded once (ties to even), so the sums are the same
 * bits in any order of arrival, for any tree of merges and after any replay.
 *
 * The integers live in float64: |δ| ≤ 2^exponent and Σn ≤ weightBudget bound every sum by 2^51 quanta, and float64
 * adds integers exactly up to 2^53. The quantum is 2^(exponent - 51 + ⌈log2 weightBudget⌉); the mean is off by at most
 * half a quantum, since every update weighs at least one: 2^(-52 + ⌈log2 weightBudget⌉) of the bound, 2^-33 for ten
 * clients and 2^-24 for 8192.
 */
export interface Tally {
  readonly grid: Grid;
  readonly tensors: ReadonlyMap<string, TensorTally>;
  /** Σ n over all updates. */
  total: number;
}

export interface TensorTally {
  readonly sum: Float64Array;
  /** Σ n of the owners by coordinate; null while every update owned the whole tensor: then it is `total`. */
  owners: Float64Array | null;
}

const SUM_BITS = 51;

function ceilLog2(n: number): number {
  assert(Number.isInteger(n) && n >= 1 && n <= 2 ** 31, "a weight budget of 1 to 2^31");
  return 32 - Math.clz32(n - 1);
}

export function emptyTally(manifest: Manifest, grid: Grid): Tally {
  const tensors = new Map<string, TensorTally>();
  for (const { name, shape } of manifest.tensors)
    tensors.set(name, { sum: new Float64Array(sizeOf(shape)), owners: null });
  return { grid, tensors, total: 0 };
}

/** The step of the grid: every sum is an integer times this power of two. */
export const quantum = ({ exponent, weightBudget }: Grid): number =>
  2 ** (exponent + ceilLog2(weightBudget) - SUM_BITS);

/** Whether an update of this weight still fits; a round closes rather than exceed its budget. */
export const fits = (tally: Tally, numExamples: number): boolean =>
  tally.total + numExamples <= tally.grid.weightBudget;

/** Throws `out-of-range` when a delta lies beyond the grid's bound; the client should have clamped it. */
export function checkRange(update: UpdateMessage, grid: Grid): void {
  const bound = 2 ** grid.exponent;
  for (const [name, { delta }] of update.tensors)
    if (!isWithin(delta.values, bound)) {
      const beyond = delta.values.find((v) => !(Math.abs(v) <= bound));
      throw new WireError("out-of-range", name, `|${beyond}| exceeds ${bound}`);
    }
}

function isWithin(values: Float32Array, bound: number): boolean {
  const kernels = codecKernels(values.length);
  return kernels.allFinite(values) && kernels.maxMagnitude(values) <= bound;
}

/** Folds one update in, in place, in time proportional to what it carries. The caller has checked fit and range. */
export function addUpdate(tally: Tally, update: UpdateMessage): void {
  assert(fits(tally, update.numExamples), "the tally stays within its weight budget");
  const perQuantum = 1 / quantum(tally.grid);
  for (const [name, tensor] of tally.tensors) {
    const part = update.tensors.get(name);
    assert(part?.delta.length === tensor.sum.length, `${name} is in the update, in full shape`);
    addValues(tensor.sum, part, update.numExamples, perQuantum);
    addOwners(tensor, part, update.numExamples, tally.total);
  }
  tally.total += update.numExamples;
}

/** The tally of both sets of updates together; the inputs stay as they were. */
export function mergeTallies(a: Tally, b: Tally): Tally {
  assert(
    a.grid.exponent === b.grid.exponent && a.grid.weightBudget === b.grid.weightBudget,
    "only tallies on one grid merge",
  );
  assert(fits(a, b.total), "the merged tally stays within the weight budget");
  const tensors = new Map<string, TensorTally>();
  for (const [name, { sum, owners }] of a.tensors) {
    const other = b.tensors.get(name);
    assert(other !== undefined, `${name} is in both tallies`);
    tensors.set(name, {
      sum: sum.map((v, i) => v + other.sum[i]!),
      owners:
        owners === null && other.owners === null
          ? null
          : sum.map((_, i) => (owners?.[i] ?? a.total) + (other.owners?.[i] ?? b.total)),
    });
  }
  return { grid: a.grid, tensors, total: a.total + b.total };
}

function addValues(
  sum: Float64Array,
  { delta, mask }: TensorUpdate,
  weight: number,
  perQuantum: number,
): void {
  const { support, values } = delta;
  assert(mask === null || support !== null, "a client with a mask sends positions");
  if (support === null) codecKernels(values.length).addOnGrid(sum, values, weight, perQuantum);
  else scatterOnGrid(sum, support, values, weight, perQuantum);
}

function addOwners(tensor: TensorTally, { mask }: TensorUpdate, weight: number, totalBefore: number): void {
  if (mask === null && tensor.owners === null) return;
  tensor.owners ??= new Float64Array(tensor.sum.length).fill(totalBefore);
  const { owners } = tensor;
  if (mask === null) for (let i = 0; i < owners.length; i++) owners[i]! += weight;
  else for (const at of mask) owners[at]! += weight;
}
