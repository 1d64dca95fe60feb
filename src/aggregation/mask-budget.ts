import { sizeOf } from "../model/tensor.ts";

/** How much of a model may stay, and how that is dealt out to its layers. */
export interface LayerBudget {
  /** Above 0, at most 1: of all coordinates of kernels, tensors of two or more dimensions. Others are few, and stay. */
  readonly density: number;
  /**
   * uniform: the same share of every kernel. erk (Erdős-Rényi kernel, Evci et al., "Rigging the Lottery", 2020): a share
   * in proportion to the sum of a kernel's sizes over their product, so that small layers keep more of themselves.
   */
  readonly layers: "uniform" | "erk";
}

/** How many coordinates each kernel may keep, rounded down, so that together they never exceed the budget. */
export function layerCounts(
  { density, layers }: LayerBudget,
  tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): ReadonlyMap<string, number> {
  const kernels = [...tensors].filter(([, { shape }]) => shape.length > 1);
  const share =
    layers === "uniform"
      ? () => density
      : erk(
          density,
          kernels.map(([, { shape }]) => shape),
        );
  return new Map(kernels.map(([name, { shape }]) => [name, Math.floor(share(shape) * sizeOf(shape))]));
}

/** A kernel that would get more than all of itself is kept whole, and the others share what is left. */
function erk(density: number, shapes: readonly (readonly number[])[]): (shape: readonly number[]) => number {
  const raw = (shape: readonly number[]): number => shape.reduce((sum, n) => sum + n, 0) / sizeOf(shape);
  const whole = new Set<readonly number[]>();
  for (;;) {
    const sparse = shapes.filter((shape) => !whole.has(shape));
    const total = shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);
    const taken = [...whole].reduce((sum, shape) => sum + sizeOf(shape), 0);
    const scale =
      (density * total - taken) / sparse.reduce((sum, shape) => sum + raw(shape) * sizeOf(shape), 0);
    const full = sparse.filter((shape) => scale * raw(shape) > 1);
    if (full.length === 0) return (shape) => (whole.has(shape) ? 1 : scale * raw(shape));
    // The one that is furthest beyond, as sharing anew may bring the others back below.
    whole.add(full.reduce((a, b) => (raw(b) > raw(a) ? b : a)));
  }
}
