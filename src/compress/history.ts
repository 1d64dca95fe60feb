import { codecKernels } from "../kernels/codec.ts";
import { type Mixer, NUM_TABLES, TABLE } from "../kernels/codec-history.ts";
import { assert } from "../model/assert.ts";
import { type Manifest, manifestOf, numParams } from "../model/manifest.ts";
import { maskIn } from "../model/masks.ts";
import type { Masks, Params, Positions, SparseVector } from "../model/tensor.ts";
import { mostStateBytes, readState, writeState } from "./history/bytes.ts";
import { stateDigest } from "./history/digest.ts";
import { mixerOf } from "./history/mixer.ts";
import { planesOf } from "./history/planes.ts";
import { expectedSigns, type TensorPrior } from "./history/prior.ts";
import {
  counted,
  firstState,
  type HistoryState,
  type Layout,
  layoutOf,
  moved,
  stepsOf,
} from "./history/state.ts";
import type { PlanGroup } from "./plan.ts";

/**
 * What both ends know of the broadcasts so far: a pure function of where it began and of the deltas since, in integers,
 * so that every engine makes the same of them. Uplinks never change it. An online logistic mixer (Mattern, 2012; Mahoney's
 * lpaq) over what was broadcast of a coordinate, of its row and of its column tells how probable it is.
 */
export interface History {
  /** How many deltas were folded. */
  readonly version: number;
  /** Of the whole state; histories of one digest are alike. */
  readonly digest: number;
  readonly state: HistoryState;
  readonly layouts: readonly Layout[];
  /** What follows from the state: the odds of contexts. Buckets do too, and are made again where they are needed. */
  readonly mixer: Mixer;
  /** Of every coordinate its probability class: half a power of two of the odds each, 0 the most probable. */
  readonly classes: Uint8Array;
}

/** Of a model that nothing was broadcast of yet. */
export const firstHistory = (params: Params): History =>
  historyOf(firstState(numParams(manifestOf(params))), layoutOf(manifestOf(params)));

/** `sent` has what was broadcast, tensor by tensor. Changes nothing. */
export function foldHistory(
  { state, layouts, mixer }: History,
  sent: ReadonlyMap<string, SparseVector>,
): History {
  const length = state.slow.length;
  const steps = stepsOf(layouts, sent, length);
  const learning = { ...mixer, weights: mixer.weights.slice() };
  const hits = new Uint32Array(2 * NUM_TABLES * TABLE);
  const { learn } = codecKernels(length);
  planesOf(state, layouts).forEach((ofTensor, i) => {
    const { start, rows, cols } = layouts[i]!;
    learn(ofTensor, learning, steps.sent.subarray(start, start + rows * cols), hits);
  });
  return historyOf(
    {
      version: (state.version + 1) % 2 ** 32,
      ...moved(state, steps),
      weights: learning.weights,
      counters: counted(state.counters, hits),
    },
    layouts,
  );
}

/** The state in bytes, for who gets the model without its deltas. */
export const writeHistory = ({ state }: History): Uint8Array => writeState(state);

/** What those bytes are at most. */
export const mostHistoryBytes = (manifest: Manifest): number => mostStateBytes(numParams(manifest));

/** Throws WireError; takes memory for the manifest's coordinates only. */
export const readHistory = (bytes: Uint8Array, manifest: Manifest, place: string): History =>
  historyOf(readState(bytes, manifest, place), layoutOf(manifest));

function historyOf(state: HistoryState, layouts: readonly Layout[]): History {
  const classes = new Uint8Array(state.slow.length);
  const mixer = mixerOf(state.counters, state.weights);
  const { classesOf } = codecKernels(classes.length);
  planesOf(state, layouts).forEach((ofTensor, i) => {
    const { start, rows, cols } = layouts[i]!;
    classesOf(ofTensor, mixer, classes.subarray(start, start + rows * cols));
  });
  return { version: state.version, digest: stateDigest(state), state, layouts, mixer, classes };
}

/**
 * One a group: null for those whose rule has no history, and for all where none is held. A prior is of the group's
 * coordinates one after the other, of those that are owned.
 */
export const priorsOf = (
  groups: readonly PlanGroup[],
  history: History | null,
  owned: Masks | null = null,
): readonly (TensorPrior | null)[] =>
  groups.map((group) => (group.rule.history && history !== null ? priorOf(history, group, owned) : null));

function priorOf(
  { digest, state, layouts, classes }: History,
  group: PlanGroup,
  owned: Masks | null,
): TensorPrior {
  const [likely, expected] = [new Uint8Array(group.length), new Uint8Array(group.length)];
  let at = 0;
  for (const { name } of group.tensors) {
    const layout = layouts.find((other) => other.name === name);
    assert(layout !== undefined, `${name} has a history`);
    const { start, rows, cols } = layout;
    const mask = owned === null ? null : maskIn(owned, name);
    const end = start + rows * cols;
    const signs = expectedSigns(state.drift.subarray(start, end), state.slow.subarray(start, end));
    likely.set(ownedOf(classes.subarray(start, end), mask), at);
    expected.set(ownedOf(signs, mask), at);
    at += mask?.length ?? end - start;
  }
  assert(at === group.length, "the group has as many coordinates as are owned");
  return { digest, planes: [likely, expected] };
}

function ownedOf(plane: Uint8Array, mask: Positions | null): Uint8Array {
  if (mask === null) return plane;
  const owned = new Uint8Array(mask.length);
  for (let i = 0; i < mask.length; i++) owned[i] = plane[mask[i]!]!;
  return owned;
}
