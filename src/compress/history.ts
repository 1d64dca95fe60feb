import { assert } from "../model/assert.ts";
import { WireError } from "../model/error.ts";
import { type Manifest, manifestOf, numParams, type TensorSpec } from "../model/manifest.ts";
import { maskIn } from "../model/masks.ts";
import { type Masks, type Params, type SparseVector, sizeOf } from "../model/tensor.ts";
import { bitReader, bitWriter } from "./bits.ts";
import { byteReader, byteWriter } from "./bytes.ts";
import { wordsDigest } from "./history/digest.ts";
import { NUM_CLASSES, type TensorPrior } from "./history/prior.ts";
import type { PlanGroup } from "./plan.ts";
import { readCodes, shorterCodes } from "./values/codes.ts";

/**
 * What both ends know of the broadcasts so far: a pure function of where it began and of the deltas since, in integers,
 * so that every engine makes the same of them. Uplinks never change it.
 */
export interface History {
  /** How many deltas were folded. */
  readonly version: number;
  /** Of the whole state; histories of one digest are alike. */
  readonly digest: number;
  /** The manifest's tensors, one after the other: names, and where each begins. */
  readonly starts: ReadonlyMap<string, number>;
  /** Of every coordinate how much was broadcast of it lately, in 2^-8 of the tensor's mean magnitude. */
  readonly activity: Uint16Array;
  /** The same with signs. */
  readonly drift: Int16Array;
}

/** Of a model that nothing was broadcast of yet. */
export function firstHistory(params: Params): History {
  const manifest = manifestOf(params);
  const length = numParams(manifest);
  return digested(0, startsOf(manifest.tensors), new Uint16Array(length), new Int16Array(length));
}

/** `next` is the model that the delta led to; `sent` has what was broadcast, tensor by tensor. Changes nothing. */
export function foldHistory(
  { version, starts, activity, drift }: History,
  next: Params,
  sent: ReadonlyMap<string, SparseVector>,
): History {
  const [activities, drifts] = [activity.slice(), drift.slice()];
  for (let i = 0; i < activities.length; i++) {
    activities[i]! -= activities[i]! >>> DECAY;
    drifts[i]! -= drifts[i]! >> DECAY;
  }
  for (const name of next.keys()) {
    const vector = sent.get(name);
    if (vector === undefined || vector.values.length === 0) continue;
    const start = starts.get(name)!;
    const { support, values } = vector;
    let sum = 0;
    for (const value of values) sum += Math.abs(value);
    if (sum === 0) continue;
    const unit = (UNIT * values.length) / sum;
    for (let i = 0; i < values.length; i++) {
      const at = start + (support === null ? i : support[i]!);
      const step = Math.min(Math.floor(Math.abs(values[i]!) * unit), MOST);
      activities[at]! += step;
      drifts[at]! += values[i]! < 0 ? -step : step;
    }
  }
  return digested(version + 1, starts, activities, drifts);
}

const DECAY = 3;
const UNIT = 2 ** 8;
/** The decay holds the sum below 2^DECAY times as much. */
const MOST = 2 ** 11;

/** The prior of a plan's group: of these tensors' coordinates one after the other, those that are owned. */
function priorOf(history: History, tensors: readonly TensorSpec[], owned: Masks | null = null): TensorPrior {
  const classes: number[] = [];
  const signs: number[] = [];
  for (const { name, shape } of tensors) {
    const start = history.starts.get(name);
    assert(start !== undefined, `${name} has a history`);
    const mask = owned === null ? null : maskIn(owned, name);
    const count = mask?.length ?? sizeOf(shape);
    for (let i = 0; i < count; i++) {
      const at = start + (mask === null ? i : mask[i]!);
      classes.push(Math.min(2 * Math.clz32(history.activity[at]! << 16), NUM_CLASSES - 1));
      signs.push(Math.sign(history.drift[at]!) + 1);
    }
  }
  return { digest: history.digest, planes: [Uint8Array.from(classes), Uint8Array.from(signs)] };
}

/** One a group: null for those whose rule has no history, and for all where none is held. */
export const priorsOf = (
  groups: readonly PlanGroup[],
  history: History | null,
  owned: Masks | null = null,
): readonly (TensorPrior | null)[] =>
  groups.map(({ rule, tensors }) =>
    rule.history && history !== null ? priorOf(history, tensors, owned) : null,
  );

/** The state in bytes, for who gets the model without its deltas. */
export function writeHistory({ version, activity, drift }: History): Uint8Array {
  const writer = byteWriter();
  writer.varint(version);
  for (const plane of [activity, drift]) {
    const zigzag = Uint16Array.from(plane, (v) => (v < 0 ? -2 * v - 1 : plane === drift ? 2 * v : v));
    for (const shift of [0, 8]) {
      const codes = shorterCodes(
        Uint8Array.from(zigzag, (v) => v >>> shift),
        8,
      );
      writer.uint8(codes.isRans ? 1 : 0);
      const bits = byteWriter(Math.ceil(codes.bits / 8)).region(Math.ceil(codes.bits / 8));
      const into = bitWriter(bits);
      codes.write(into);
      into.flush();
      writer.varint(bits.length);
      writer.bytes(bits);
    }
  }
  return writer.written().slice();
}

/** Throws WireError; takes memory for the manifest's coordinates only. */
export function readHistory(bytes: Uint8Array, manifest: Manifest, place: string): History {
  const starts = startsOf(manifest.tensors);
  const length = numParams(manifest);
  const reader = byteReader(bytes, place);
  const version = reader.varint("version", 0, 0xffffffff);
  const planes = [0, 1].map(() => {
    const words = new Uint16Array(length);
    for (const shift of [0, 8]) {
      const isRans = reader.uint8("form", 0, 1) === 1;
      const coded = reader.bytes("plane", reader.varint("bytes", 0, 0xffffffff));
      const bits = bitReader(coded, reader.placed("plane"));
      if (!isRans && 8 * length > bits.remaining())
        throw new WireError("truncated", reader.placed("plane"), `needs ${length} bytes`);
      const codes = readCodes(bits, 8, isRans, length, reader.placed("plane"));
      bits.end();
      for (let i = 0; i < length; i++) words[i]! |= codes[i]! << shift;
    }
    return words;
  });
  reader.end();
  const drift = Int16Array.from(planes[1]!, (z) => (z % 2 === 1 ? -(z + 1) / 2 : z / 2));
  return digested(version, starts, planes[0]!, drift);
}

function startsOf(tensors: readonly TensorSpec[]): History["starts"] {
  const starts = new Map<string, number>();
  let length = 0;
  for (const { name, shape } of tensors) {
    starts.set(name, length);
    length += sizeOf(shape);
  }
  return starts;
}

function digested(
  version: number,
  starts: History["starts"],
  activity: Uint16Array,
  drift: Int16Array,
): History {
  const words = new Uint32Array(1 + activity.length);
  words[0] = version;
  for (let i = 0; i < activity.length; i++) words[i + 1] = activity[i]! + 2 ** 16 * (drift[i]! & 0xffff);
  return { version, digest: wordsDigest(words), starts, activity, drift };
}
