import { type ExactSums, exactSums } from "../kernels/exact-sums.ts";
import { assert } from "../model/assert.ts";
import type { Manifest } from "../model/manifest.ts";
import type { TensorUpdate, UpdateMessage } from "../model/message.ts";
import type { Exponents } from "../model/protocol.ts";
import { sizeOf } from "../model/tensor.ts";
import { ceilLog2 } from "./exponents.ts";
import { MAX_WEIGHT, type Weight } from "./weight.ts";

/**
 * The fixed grid of a round's tally: every |delta| is at most 2^exponent of its tensor, and the weights add up to at
 * most `weightBudget`, 1 to 2^53 - 1.
 */
export interface Grid {
  readonly exponents: Exponents;
  readonly weightBudget: number;
}

/**
 * The exact tally of a round: by coordinate the sum of gain * delta, as a 64-bit integer on a grid that was fixed when
 * the round opened, and the sum of the owners' weights. A product is rounded once (ties to even), so that the sums are
 * the same bits in any order of arrival, on any number of threads, for any tree of merges and after any replay; the
 * budget makes overflow impossible.
 *
 * It takes 8 bytes a coordinate, however many updates there are.
 */
export interface Tally {
  readonly manifest: Manifest;
  readonly grid: Grid;
  /** Of all tensors, one behind the other. */
  readonly sums: ExactSums;
  /** By tensor the sum of the owners' weights; null while every update owned the whole tensor: then it is `total`. */
  readonly owners: (Float64Array | null)[];
  /** Of all coordinates the sum of the senders' weights; null unless a study compares with what is divided by it. */
  readonly senders: Float64Array | null;
  /** Sum of the weights. */
  total: number;
  /** Sum of weight * local steps, for FedNova. */
  steps: bigint;
  numUpdates: number;
}

/** `sums` are those of an earlier tally of the same model that is not needed any more: they are cleared. */
export function emptyTally(
  manifest: Manifest,
  grid: Grid,
  sums?: ExactSums,
  countsSenders: boolean = false,
): Tally {
  const length = manifest.tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  assert(grid.exponents.length === manifest.tensors.length, "a grid has one exponent a tensor");
  assert(sums === undefined || sums.length === length, "the sums are of the same model");
  sums?.clear();
  const owners = manifest.tensors.map(() => null);
  const senders = countsSenders ? new Float64Array(length) : null;
  return {
    manifest,
    grid,
    sums: sums ?? exactSums(length),
    owners,
    senders,
    total: 0,
    steps: 0n,
    numUpdates: 0,
  };
}

/**
 * The step of a tensor's grid, a power of two: no product exceeds 2^51 steps, so that it is rounded exactly, and no sum
 * 2^62. A mean is off by half a step an update over its weight, at least WEIGHT_UNIT: by 2^-37 of the bound up to 2^11
 * updates of full weight, and by 2^-28 with 2^20 of them.
 */
export const quantum = ({ exponents, weightBudget }: Grid, tensor: number): number =>
  2 **
  (exponents[tensor]! + Math.max(ceilLog2(MAX_WEIGHT) - PRODUCT_BITS, ceilLog2(weightBudget) - SUM_BITS));

/** No sum of updates of that total weight is larger. */
export const largestSum = (grid: Grid, tensor: number, total: number): bigint =>
  BigInt(total) * BigInt(2 ** grid.exponents[tensor]! / quantum(grid, tensor));

const PRODUCT_BITS = 51;
const SUM_BITS = 62;

/** Whether an update of this weight still fits; a round closes rather than exceed its budget. */
export const fits = (tally: Tally, weight: number): boolean =>
  tally.total + weight <= tally.grid.weightBudget;

/**
 * Folds one update in, in place, in time proportional to what it carries. The caller has checked fit and range, and
 * says how many local steps it took, 0 to 2^32 - 1.
 */
export function addUpdate(
  tally: Tally,
  update: UpdateMessage,
  { gain, weight }: Weight,
  steps: number,
): void {
  assert(
    Number.isInteger(gain) && Number.isInteger(weight) && gain >= 0 && gain <= weight && weight <= MAX_WEIGHT,
    "a gain is 0 to its weight",
  );
  assert(fits(tally, weight), "the tally stays within its weight budget");
  forEachTensor(tally, ({ name, start, length }, i) => {
    const part = update.tensors.get(name);
    assert(part?.delta.length === length, `${name} is in the update, in full shape`);
    const { support } = part.delta;
    const values = part.delta.packed ?? part.delta.values;
    assert(part.mask === null || support !== null, "a client with a mask sends positions");
    const scale = gain / quantum(tally.grid, i);
    if (support === null) tally.sums.add(start, values, scale);
    else tally.sums.addAt(start, support, values, scale);
    tally.owners[i] = withOwner(tally.owners[i]!, part, weight, tally.total, length);
    const { senders } = tally;
    if (senders === null) return;
    if (support === null) for (let at = start; at < start + length; at++) senders[at]! += weight;
    else for (const at of support) senders[start + at]! += weight;
  });
  tally.total += weight;
  tally.steps += BigInt(weight) * BigInt(steps);
  tally.numUpdates++;
}

/** Adds all of another tally on the same grid, in place; the other stays as it was. */
export function mergeTally(tally: Tally, other: Tally): void {
  assert(isSameGrid(tally.grid, other.grid), "only tallies on one grid merge");
  assert(fits(tally, other.total), "the merged tally stays within the weight budget");
  assert(tally.senders === null && other.senders === null, "tallies that count senders do not merge");
  forEachTensor(tally, ({ start, length }, i) => {
    for (let from = start; from < start + length; from += BLOCK) {
      const end = Math.min(start + length, from + BLOCK);
      tally.sums.addSums(from, other.sums.read(from, end));
    }
    const [mine, theirs] = [tally.owners[i]!, other.owners[i]!];
    if (mine === null && theirs === null) return;
    const owners = mine ?? new Float64Array(length).fill(tally.total);
    for (let j = 0; j < length; j++) owners[j]! += theirs?.[j] ?? other.total;
    tally.owners[i] = owners;
  });
  tally.total += other.total;
  tally.steps += other.steps;
  tally.numUpdates += other.numUpdates;
}

/** What is copied at a time. */
const BLOCK = 2 ** 16;

const isSameGrid = (a: Grid, b: Grid): boolean =>
  a.weightBudget === b.weightBudget &&
  a.exponents.length === b.exponents.length &&
  a.exponents.every((exponent, i) => exponent === b.exponents[i]);

/** Where each tensor's coordinates lie among those of all. */
export function forEachTensor(
  { manifest }: Tally,
  visit: (
    tensor: { readonly name: string; readonly start: number; readonly length: number },
    i: number,
  ) => void,
): void {
  let start = 0;
  for (const [i, { name, shape }] of manifest.tensors.entries()) {
    const length = sizeOf(shape);
    visit({ name, start, length }, i);
    start += length;
  }
}

function withOwner(
  before: Float64Array | null,
  { mask }: TensorUpdate,
  weight: number,
  totalBefore: number,
  length: number,
): Float64Array | null {
  if (mask === null && before === null) return null;
  const owners = before ?? new Float64Array(length).fill(totalBefore);
  if (mask === null) for (let i = 0; i < length; i++) owners[i]! += weight;
  else for (const at of mask) owners[at]! += weight;
  return owners;
}
