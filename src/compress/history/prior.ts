/** What both ends know of a flat vector before its payload is read; a rule's tensors, restricted to what is owned. */
export interface TensorPrior {
  /** Of the history that it was made of: priors of one digest are alike. */
  readonly digest: number;
  /** The first has of every coordinate its probability class, 0 the most probable. */
  readonly planes: readonly Uint8Array[];
}

export const NUM_CLASSES = 32;

/** The coordinates by class, from the most probable on; in a class they rise. */
export interface ClassIndex {
  readonly members: Uint32Array;
  /** Where each class begins in them, and behind the last class their number. */
  readonly starts: Uint32Array;
}

/** Made once a prior. */
export function classIndex(prior: TensorPrior): ClassIndex {
  const known = INDEXES.get(prior);
  if (known !== undefined) return known;
  const classes = prior.planes[0]!;
  const starts = new Uint32Array(NUM_CLASSES + 1);
  for (const c of classes) starts[c + 1]! += 1;
  for (let c = 0; c < NUM_CLASSES; c++) starts[c + 1]! += starts[c]!;
  const next = starts.slice();
  const members = new Uint32Array(classes.length);
  for (let i = 0; i < classes.length; i++) members[next[classes[i]!]!++] = i;
  const index = { members, starts };
  INDEXES.set(prior, index);
  return index;
}

const INDEXES = new WeakMap<TensorPrior, ClassIndex>();
