import { type Manifest, numParams } from "../../model/manifest.ts";
import { intersectionOf } from "../../model/masks.ts";
import type { TensorUpdate, UpdateMessage } from "../../model/message.ts";
import { type Params, type Positions, type SparseVector, toDense } from "../../model/tensor.ts";
import { bytesOf, kept, type Reading } from "./reading.ts";
import type { RoundSize } from "./rule.ts";

/**
 * Squared distances between updates, with zeros where a payload carries nothing. Only coordinates that both own are
 * compared, and the sum is scaled up to the whole model, so that owning little brings nobody nearer. Two clients that
 * have nothing in common are infinitely far apart.
 */
export type Distances = (i: number, j: number) => number;

/**
 * All pairs. As many updates as fit into `bytes`, one at least, are kept decoded while those after them are read past
 * them, so that fewer bytes mean more passes and the same sums, each of which is made at one go. The result is
 * symmetric, to the bit, and 0 from an update to itself.
 */
export function pairwiseDistances(updates: readonly Reading[], manifest: Manifest, bytes: number): Distances {
  const n = updates.length;
  const table = new Float64Array(n * n);
  const room = bytes - pairsBytes(n);
  const total = numParams(manifest);
  for (let first = 0; first < n; ) {
    const rows: UpdateMessage[] = [];
    let taken = 0;
    for (let j = first; j < n; j++) {
      const other = updates[j]!.read();
      for (const [k, row] of rows.entries())
        table[(first + k) * n + j] = table[j * n + first + k] = between(row, other, total);
      taken += bytesOf(other);
      if (rows.length === j - first && (j === first || taken <= room)) rows.push(kept(other));
    }
    first += rows.length;
  }
  return (i, j) => table[i * n + j]!;
}

/** Bytes of their table. */
export const pairsBytes = (updates: number): number => 8 * updates ** 2;

/** The least that it takes, with one update kept. */
export const distancesBytes = ({ updates, updateBytes }: RoundSize): number =>
  pairsBytes(updates) + updateBytes;

function between(a: UpdateMessage, b: UpdateMessage, total: number): number {
  let sum = 0;
  let common = 0;
  for (const [name, one] of a.tensors) {
    const other = b.tensors.get(name)!;
    const both = intersectionOf(one.mask, other.mask);
    common += both === null ? one.delta.length : both.length;
    sum +=
      both === null
        ? apart(one.delta, other.delta)
        : apart(within(one.delta, both), within(other.delta, both));
  }
  return common === 0 ? Infinity : sum * (total / common);
}

/** Squared distance of each update from one point, in one pass, over what its client owns, scaled up to the whole model. */
export function distancesFrom(
  centre: Params,
  updates: readonly Reading[],
  manifest: Manifest,
): readonly number[] {
  const total = numParams(manifest);
  const whole = new Map([...centre].map(([name, { data }]) => [name, squaredSum(data)]));
  return updates.map(({ read }) => {
    let sum = 0;
    let owned = 0;
    for (const [name, part] of read().tensors) {
      owned += part.mask === null ? part.delta.length : part.mask.length;
      sum += apartFrom(centre.get(name)!.data, part, whole.get(name)!);
    }
    return owned === 0 ? 0 : sum * (total / owned);
  });
}

/** Of two points of the whole model. */
export function squaredDistance(a: Params, b: Params): number {
  let sum = 0;
  for (const [name, { data }] of a) sum += apartDense(data, b.get(name)!.data);
  return sum;
}

/** Off the payload's support it is the centre's distance from zero: all of it but for what lies on the support. */
function apartFrom(centre: Float32Array, { mask, delta }: TensorUpdate, whole: number): number {
  const { support, values } = delta;
  if (support === null) return apartDense(values, centre);
  let sum = 0;
  let onSupport = 0;
  for (let i = 0; i < values.length; i++) {
    const c = centre[support[i]!]!;
    sum += (values[i]! - c) ** 2;
    onSupport += c * c;
  }
  const owned = mask === null ? whole : mask.reduce((total, at) => total + centre[at]! ** 2, 0);
  return sum + Math.max(0, owned - onSupport);
}

function squaredSum(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}

function apart(a: SparseVector, b: SparseVector): number {
  if (a.support !== null && b.support !== null) return apartSparse(a.support, a.values, b.support, b.values);
  return apartDense(toDense(a), toDense(b));
}

/** In four sums side by side, since an addition waits for the one before it. */
function apartDense(x: Float32Array, y: Float32Array): number {
  const end = x.length - (x.length % 4);
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < end; i += 4) {
    const p = x[i]! - y[i]!;
    const q = x[i + 1]! - y[i + 1]!;
    const r = x[i + 2]! - y[i + 2]!;
    const s = x[i + 3]! - y[i + 3]!;
    a += p * p;
    b += q * q;
    c += r * r;
    d += s * s;
  }
  for (let i = end; i < x.length; i++) a += (x[i]! - y[i]!) ** 2;
  return a + b + (c + d);
}

/** A walk along both supports at once, in rising order. */
function apartSparse(at: Positions, x: Float32Array, bt: Positions, y: Float32Array): number {
  let sum = 0;
  let i = 0;
  let j = 0;
  while (i < at.length && j < bt.length)
    if (at[i]! < bt[j]!) sum += x[i++]! ** 2;
    else if (at[i]! > bt[j]!) sum += y[j++]! ** 2;
    else sum += (x[i++]! - y[j++]!) ** 2;
  while (i < at.length) sum += x[i++]! ** 2;
  while (j < bt.length) sum += y[j++]! ** 2;
  return sum;
}

/** What a payload carries of these coordinates. */
function within({ length, support, values }: SparseVector, owned: Positions): SparseVector {
  if (support === null)
    return { length, support: owned, values: Float32Array.from(owned, (at) => values[at]!) };
  const places = placesIn(support, owned);
  return {
    length,
    support: Uint32Array.from(places, (i) => support[i]!),
    values: Float32Array.from(places, (i) => values[i]!),
  };
}

/** The places in `list` of those that are in `others` too. */
function placesIn(list: Positions, others: Positions): readonly number[] {
  const places: number[] = [];
  let j = 0;
  for (let i = 0; i < list.length; i++) {
    while (j < others.length && others[j]! < list[i]!) j++;
    if (others[j] === list[i]) places.push(i);
  }
  return places;
}
