/** Labelled examples as flat arrays, so they can be shared between threads without a copy. */
export interface Dataset {
  /** Shape of one example, such as [28, 28, 1]. */
  readonly inputShape: readonly number[];
  readonly numClasses: number;
  /** Where they have names, by their numbers. */
  readonly classNames?: readonly string[];
  /** `count * product(inputShape)` values, example after example. */
  readonly inputs: Float32Array;
  /** One class a example, 0 to numClasses-1. */
  readonly labels: Int32Array;
  /** Who each example comes from, where that is known: speakers, roles, hospitals. */
  readonly groups?: Groups;
}

export interface Groups {
  readonly names: readonly string[];
  /** One a example: the place in `names`. */
  readonly of: Int32Array;
}

export const countOf = (dataset: Dataset): number => dataset.labels.length;

/** How many examples each class has. */
export function countsByClass({ labels, numClasses }: Dataset): readonly number[] {
  const counts = Array<number>(numClasses).fill(0);
  for (const label of labels) counts[label]!++;
  return counts;
}

/** The chosen examples, copied into memory that worker threads can share. */
export function subset(dataset: Dataset, indices: ArrayLike<number>): Dataset {
  const { inputShape, numClasses, classNames } = dataset;
  const size = dataset.inputs.length / Math.max(1, dataset.labels.length);
  const inputs = new Float32Array(new SharedArrayBuffer(4 * size * indices.length));
  const labels = new Int32Array(new SharedArrayBuffer(4 * indices.length));
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i]!;
    inputs.set(dataset.inputs.subarray(from * size, (from + 1) * size), i * size);
    labels[i] = dataset.labels[from]!;
  }
  const { groups } = dataset;
  const of = groups && Int32Array.from(indices, (i) => groups.of[i]!);
  return {
    inputShape,
    numClasses,
    ...(classNames && { classNames }),
    inputs,
    labels,
    ...(of && { groups: { names: groups.names, of } }),
  };
}
