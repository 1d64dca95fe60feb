import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { assert } from "./assert.ts";
import { type Manifest, manifestDigest, numParams } from "./manifest.ts";
import { sha256 } from "./sha256.ts";
import { sliceOf, sliceShape } from "./slice.ts";
import {
  type Masks,
  mapParams,
  type Params,
  type Positions,
  packedVector,
  type SparseVector,
  sizeOf,
} from "./tensor.ts";

/**
 * Masks as values: null owns all of a tensor, and is the only form of that. Every operation takes time in proportion to
 * what is owned, not to the tensor, unless it says so.
 */

/** The one form of a mask: null when nothing is left out. */
export const maskOf = (positions: Positions, length: number): Positions | null =>
  positions.length === length ? null : positions;

export const ownedOf = (mask: Positions | null, length: number): number => mask?.length ?? length;

/** The share of a model's coordinates that the masks own. */
export function densityOf(masks: Masks, manifest: Manifest): number {
  let owned = 0;
  for (const { name, shape } of manifest.tensors) owned += ownedOf(maskIn(masks, name), sizeOf(shape));
  return owned / numParams(manifest);
}

/** What either owns, of a tensor of `length`. */
export function unionOf(a: Positions | null, b: Positions | null, length: number): Positions | null {
  if (a === null || b === null) return null;
  const union = new Uint32Array(Math.min(length, a.length + b.length));
  let count = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const next = Math.min(a[i] ?? Infinity, b[j] ?? Infinity);
    if (a[i] === next) i++;
    if (b[j] === next) j++;
    union[count++] = next;
  }
  return maskOf(union.slice(0, count), length);
}

/** What both own. */
export function intersectionOf(a: Positions | null, b: Positions | null): Positions | null {
  if (a === null || b === null) return a ?? b;
  const both = new Uint32Array(Math.min(a.length, b.length));
  let count = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [atA, atB] = [a[i]!, b[j]!];
    if (atA === atB) both[count++] = atA;
    if (atA <= atB) i++;
    if (atB <= atA) j++;
  }
  return both.slice(0, count);
}

/** What `a` owns and `b` does not; in time of the tensor when `a` owns all of it. */
export function differenceOf(a: Positions | null, b: Positions | null, length: number): Positions {
  if (b === null) return new Uint32Array(0);
  const rest = new Uint32Array(ownedOf(a, length));
  let count = 0;
  for (let i = 0, j = 0; i < rest.length; i++) {
    const at = a === null ? i : a[i]!;
    while (j < b.length && b[j]! < at) j++;
    if (b[j] !== at) rest[count++] = at;
  }
  return rest.slice(0, count);
}

/** The owned coordinates of a vector, one after the other. */
export function restrict(vector: Float32Array, mask: Positions | null): Float32Array {
  if (mask === null) return vector;
  const owned = new Float32Array(mask.length);
  for (let i = 0; i < mask.length; i++) owned[i] = vector[mask[i]!]!;
  return owned;
}

/** A vector over the owned coordinates as one over all `length` of them: the reverse of `restrict`. */
export function expand(owned: SparseVector, mask: Positions | null, length: number): SparseVector {
  assert(owned.length === ownedOf(mask, length), "the vector is as long as the mask");
  if (mask === null) return owned;
  const support = owned.support === null ? mask : owned.support.map((at) => mask[at]!);
  return owned.packed === undefined
    ? { length, support, values: owned.values }
    : packedVector(length, support, owned.packed, () => owned.values);
}

/** A copy that is zero outside of the mask. */
export function zeroOutside(vector: Float32Array, mask: Positions | null): Float32Array {
  if (mask === null) return vector.slice();
  const kept = new Float32Array(vector.length);
  for (const at of mask) kept[at] = vector[at]!;
  return kept;
}

/** An explicit drop: what is not owned becomes zero, in a model or in an optimizer's moments. */
export const ownedParams = (params: Params, masks: Masks | null): Params =>
  masks === null ? params : mapParams(params, ({ data }, name) => zeroOutside(data, maskIn(masks, name)));

/**
 * The model of what is owned, as if there were nothing else: its tensors are the owned coordinates one after the other,
 * in the shape of the slice when they are one. Tensors that own nothing are not in it. Plan groups are made of it, so
 * that payloads code owned coordinates only.
 */
export const ownedManifest = (manifest: Manifest, masks: Masks): Manifest => ({
  tensors: manifest.tensors.flatMap(({ name, shape }) => {
    const mask = maskIn(masks, name);
    if (mask === null) return [{ name, shape }];
    if (mask.length === 0) return [];
    const slice = sliceOf(mask, shape);
    return [{ name, shape: slice === null ? [mask.length] : sliceShape(shape, slice) }];
  }),
});

/**
 * SHA-256 over the manifest's digest in ASCII and then of every tensor how many coordinates are owned and, unless that
 * is all, which: each a uint32, little endian. 64 hex digits. It does not depend on how the masks were coded.
 */
export function masksDigest(masks: Masks, manifest: Manifest): string {
  const parts = manifest.tensors.flatMap(({ name, shape }) => {
    const mask = maskIn(masks, name);
    const count = littleEndian(Uint32Array.of(ownedOf(mask, sizeOf(shape))));
    return mask === null ? [count] : [count, littleEndian(mask)];
  });
  return bytesToHex(sha256(utf8ToBytes(manifestDigest(manifest)), ...parts));
}

/** Whether two masks of one model own the same. */
export function isSameMasks(a: Masks | null, b: Masks | null): boolean {
  if (a === null || b === null) return a === b;
  for (const [name, mask] of a) {
    const other = maskIn(b, name);
    if (mask?.length !== other?.length || mask?.some((at, i) => at !== other![i])) return false;
  }
  return true;
}

/** The mask of a tensor; masks name every tensor of their manifest. */
export function maskIn(masks: Masks, name: string): Positions | null {
  const mask = masks.get(name);
  assert(mask !== undefined, `the masks name ${name}`);
  return mask;
}

function littleEndian(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(4 * words.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < words.length; i++) view.setUint32(4 * i, words[i]!, true);
  return bytes;
}
