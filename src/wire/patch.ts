import { bitReader, bitWriter } from "../compress/bits.ts";
import { type ByteReader, byteReader, byteWriter } from "../compress/bytes.ts";
import { decodeMask, encodeMask } from "../compress/mask.ts";
import { readCodes, shorterCodes } from "../compress/values/codes.ts";
import { assert } from "../model/assert.ts";
import { WireError } from "../model/error.ts";
import { type Manifest, manifestDigest, manifestOf, modelDigest, numParams } from "../model/manifest.ts";
import { maskOf, ownedParams } from "../model/masks.ts";
import type { Masks, Params, Positions, Tensor } from "../model/tensor.ts";
import { shortDigest } from "./frame.ts";
import type { PatchFrame } from "./kinds.ts";

/**
 * A version of a model as what differs of it from version 0, to the bit: positions, and values in planes of bytes, each as
 * it is or by rANS. As floats they are mostly noise; but they came of few and like steps, so that what was added to
 * version 0 has bytes that repeat. Adding rounds: what is then missing are units in the last place, mostly none.
 */
export function encodePatch(
  version: number,
  origin: Params,
  params: Params,
  masks: Masks | null,
): PatchFrame {
  const manifest = manifestOf(params);
  const [before, after] = [flatOf(ownedParams(origin, masks)), flatOf(params)];
  const support = differing(before, after);
  return {
    kind: "patch",
    version,
    manifest: shortDigest(manifestDigest(manifest)),
    digest: shortDigest(modelDigest(params)),
    support: encodeMask(maskOf(support, after.length), [after.length]),
    planes: encodePlanes(taken(before, support), taken(after, support)),
  };
}

/** How many coordinates differ from version 0 in any bit. */
export const numDiffering = (origin: Params, params: Params, masks: Masks | null): number =>
  differing(flatOf(ownedParams(origin, masks)), flatOf(params)).length;

/** The model; `origin` is version 0. Throws WireError, and leaves the digest to who knows what is dropped afterwards. */
export function applyPatch(frame: PatchFrame, origin: Params): Params {
  const manifest = manifestOf(origin);
  if (frame.manifest !== shortDigest(manifestDigest(manifest)))
    throw new WireError("wrong-manifest", "manifest", "a patch of another model");
  const bits = flatOf(origin);
  const mask = decodeMask(frame.support, [numParams(manifest)], "support");
  const support = mask ?? Uint32Array.from(bits.keys());
  const values = decodePlanes(frame.planes, taken(bits, support), "planes");
  for (let i = 0; i < support.length; i++) bits[support[i]!] = values[i]!;
  return paramsOf(bits, manifest);
}

/** Beside the planes that are coded by rANS, one bit each from the lowest byte's on. */
const DIFFERENCES = 64;
const FLOAT_PLANES = 4;
/** Those of the floats, and two of what adding them misses. */
const DIFFERENCE_PLANES = 6;

function encodePlanes(before: Uint32Array, after: Uint32Array): Uint8Array {
  const writer = byteWriter();
  if (after.length === 0) {
    writer.uint8(0);
    return writer.written().slice();
  }
  const steps = stepsOf(before, after);
  const ways = [
    written(0, planesOf(after, FLOAT_PLANES)),
    ...(steps === null
      ? []
      : [written(DIFFERENCES, [...planesOf(steps.added, FLOAT_PLANES), ...planesOf(steps.missing, 2)])]),
  ];
  const { form, planes, bits } = ways.reduce((a, b) => (b.bits < a.bits ? b : a));
  writer.uint8(form);
  const into = bitWriter(writer.region(Math.ceil(bits / 8)));
  for (const plane of planes) plane.write(into);
  into.flush();
  return writer.written().slice();
}

function written(base: number, bytes: readonly Uint8Array[]) {
  const planes = bytes.map((plane) => shorterCodes(plane, 8));
  const form = planes.reduce((sum, { isRans }, i) => sum + (isRans ? 1 << i : 0), base);
  return { form, planes, bits: planes.reduce((sum, plane) => sum + plane.bits, 0) };
}

/** The bits of the values that stand where those of `before` stood. */
function decodePlanes(bytes: Uint8Array, before: Uint32Array, place: string): Uint32Array {
  const reader = byteReader(bytes, place);
  const form = readPlanesHead(reader);
  const isDifference = form >= DIFFERENCES;
  const count = before.length;
  if (count === 0 && form !== 0) throw new WireError("bad-field", reader.placed("form"), `${form}`);
  const bits = bitReader(reader.bytes("bits", reader.remaining()), reader.placed("bits"));
  const planes: Uint8Array[] = [];
  for (let i = 0; i < (isDifference ? DIFFERENCE_PLANES : FLOAT_PLANES) && count > 0; i++)
    planes.push(readCodes(bits, 8, ((form >> i) & 1) === 1, count, reader.placed("bits")));
  bits.end();
  const floats = joined(planes.slice(0, FLOAT_PLANES), count);
  if (!isDifference) return finite(floats, place);
  const reached = finite(sumsOf(before, finite(floats, place)), place);
  return finite(moved(reached, joined(planes.slice(FLOAT_PLANES), count)), place);
}

/** The form of the planes. */
export function readPlanesHead(reader: ByteReader): number {
  const form = reader.uint8("form", 0, 2 * DIFFERENCES - 1);
  if (form >= 1 << FLOAT_PLANES && form < DIFFERENCES)
    throw new WireError("bad-field", reader.placed("form"), `${form}`);
  return form;
}

interface Steps {
  /** Float32s, as bits. */
  readonly added: Uint32Array;
  /** Units in the last place, 0, -1, 1, -2 ... as 0, 1, 2, 3 ...: below 2^16. */
  readonly missing: Uint32Array;
}

/** What leads from one value to the other; null where it is beyond float32 or misses by too much. */
function stepsOf(before: Uint32Array, after: Uint32Array): Steps | null {
  const [from, to] = [floatsOf(before), floatsOf(after)];
  const added = new Uint32Array(to.map((value, i) => value - from[i]!).buffer);
  const reached = sumsOf(before, added);
  const missing = new Uint32Array(after.length);
  for (let i = 0; i < after.length; i++) {
    const steps = rankOf(after[i]!) - rankOf(reached[i]!);
    const number = steps >= 0 ? 2 * steps : -2 * steps - 1;
    if (!isFinite32(added[i]!) || !isFinite32(reached[i]!) || number >= 2 ** 16) return null;
    missing[i] = number;
  }
  return { added, missing };
}

function sumsOf(before: Uint32Array, added: Uint32Array): Uint32Array {
  const steps = floatsOf(added);
  return new Uint32Array(floatsOf(before).map((value, i) => value + steps[i]!).buffer);
}

const moved = (reached: Uint32Array, missing: Uint32Array): Uint32Array =>
  reached.map((bits, i) => {
    const number = missing[i]!;
    return bitsOfRank(rankOf(bits) + (number % 2 === 0 ? number / 2 : -(number + 1) / 2));
  });

/** The place of a float32 among all of them in order: 0 is +0, -1 is -0. */
const rankOf = (bits: number): number => ((bits | 0) >= 0 ? bits | 0 : bits ^ 0x7fffffff);

const bitsOfRank = (rank: number): number => rankOf(rank) >>> 0;

function finite(bits: Uint32Array, place: string): Uint32Array {
  const odd = bits.findIndex((one) => !isFinite32(one));
  if (odd >= 0) throw new WireError("not-finite", place, `value ${odd}`);
  return bits;
}

const isFinite32 = (bits: number): boolean => (bits & 0x7f800000) !== 0x7f800000;

// a loop: `from` with a function is many times slower
const planesOf = (words: Uint32Array, count: number): readonly Uint8Array[] =>
  Array.from({ length: count }, (_, i) => {
    const plane = new Uint8Array(words.length);
    for (let j = 0; j < words.length; j++) plane[j] = words[j]! >>> (8 * i);
    return plane;
  });

function joined(planes: readonly Uint8Array[], count: number): Uint32Array {
  const words = new Uint32Array(count);
  for (const [i, plane] of planes.entries())
    for (let j = 0; j < count; j++) words[j]! |= plane[j]! << (8 * i);
  return words;
}

const floatsOf = (bits: Uint32Array): Float32Array =>
  new Float32Array(bits.buffer, bits.byteOffset, bits.length);

function differing(a: Uint32Array, b: Uint32Array): Positions {
  assert(a.length === b.length, "versions of one model");
  const positions = new Uint32Array(a.length);
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) positions[count++] = i;
  return positions.slice(0, count);
}

const taken = (words: Uint32Array, at: Positions): Uint32Array => at.map((i) => words[i]!);

/** All tensors one after the other, as bits, in memory of their own. */
function flatOf(params: Params): Uint32Array {
  const flat = new Uint32Array([...params.values()].reduce((sum, { data }) => sum + data.length, 0));
  const floats = floatsOf(flat);
  let at = 0;
  for (const { data } of params.values()) {
    floats.set(data, at);
    at += data.length;
  }
  return flat;
}

function paramsOf(bits: Uint32Array, { tensors }: Manifest): Params {
  const floats = floatsOf(bits);
  let at = 0;
  return new Map(
    tensors.map(({ name, shape }): [string, Tensor] => {
      const size = shape.reduce((product, n) => product * n, 1);
      at += size;
      return [name, { shape, data: floats.slice(at - size, at) }];
    }),
  );
}
