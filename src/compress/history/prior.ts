/** What both ends know of a flat vector before its payload is read; a rule's tensors, restricted to what is owned. */
export interface TensorPrior {
  /** Of the history that it was made of: priors of one digest are alike. */
  readonly digest: number;
  /** Of every coordinate its probability class, 0 the most probable; then the sign to expect (`expectedSigns`). */
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

/**
 * The sign to expect of coordinates by what was broadcast of them: 0 when their sums cancel out, else 1 and 2 for plus and
 * minus, 3 and 4 where three quarters of what is left had that sign, 5 and 6 where all had.
 */
export function expectedSigns(drift: Int16Array, slow: Uint16Array): Uint8Array {
  const signs = new Uint8Array(drift.length);
  for (let i = 0; i < signs.length; i++) {
    const value = drift[i]!;
    if (value === 0) continue;
    const [sum, all] = [value < 0 ? -value : value, slow[i]!];
    signs[i] = (sum >= all ? 5 : 2 * sum >= all ? 3 : 1) + (value < 0 ? 1 : 0);
  }
  return signs;
}
