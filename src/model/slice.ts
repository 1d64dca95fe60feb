import { type Positions, sizeOf } from "./tensor.ts";

/**
 * A width slice: the leading part of every axis of a tensor (HeteroFL, Diao et al., 2021; ordered dropout of FjORD,
 * Horváth et al., 2021). An axis may consist of `parts` of one size, of each of which the first `keep` are kept: the
 * gates of a recurrent layer side by side, or what a flatten made of pixels and channels.
 */
export type Slice = readonly AxisSlice[];

export interface AxisSlice {
  /** Divides the axis. */
  readonly parts: number;
  /** 1 to the size of a part. */
  readonly keep: number;
}

/** The shape of what is kept, as a tensor of its own. */
export const sliceShape = (shape: readonly number[], slice: Slice): readonly number[] =>
  shape.map((_, axis) => slice[axis]!.parts * slice[axis]!.keep);

/** The coordinates of a slice, rising, in time and memory of what is kept. */
export function slicePositions(shape: readonly number[], slice: Slice): Positions {
  let positions = Uint32Array.of(0);
  shape.forEach((size, axis) => {
    const { parts, keep } = slice[axis]!;
    const next = new Uint32Array(positions.length * parts * keep);
    let at = 0;
    for (const position of positions)
      for (let part = 0; part < size; part += size / parts)
        for (let i = 0; i < keep; i++) next[at++] = position * size + part + i;
    positions = next;
  });
  return positions;
}

/** The slice that these coordinates are; null when they are none, as one axis or more must show. */
export function sliceOf(positions: Positions, shape: readonly number[]): Slice | null {
  if (shape.length === 0 || positions.length === 0) return null;
  const used = shape.map((size) => new Uint8Array(size));
  for (const position of positions)
    for (let axis = shape.length - 1, rest = position; axis >= 0; axis--) {
      used[axis]![rest % shape[axis]!] = 1;
      rest = Math.floor(rest / shape[axis]!);
    }
  const slice: AxisSlice[] = [];
  for (const indices of used) {
    const found = axisSlice(indices);
    if (found === null) return null;
    slice.push(found);
  }
  return sizeOf(sliceShape(shape, slice)) === positions.length ? slice : null;
}

function axisSlice(used: Uint8Array): AxisSlice | null {
  const size = used.length;
  const keep = used.includes(0) ? used.indexOf(0) : size;
  if (keep === 0) return null;
  const next = used.indexOf(1, keep);
  const period = next < 0 ? size : next;
  if (size % period !== 0) return null;
  return used.every((is, i) => (is === 1) === i % period < keep) ? { parts: size / period, keep } : null;
}
