import type { TensorInfo, TileAttrs, TransposeAttrs } from "@tensorflow/tfjs-core";
import { util } from "@tensorflow/tfjs-core";
import { type Replacement, replacement } from "./replacement.ts";
import type { Workspace } from "./workspace.ts";

interface Input {
  readonly x: TensorInfo;
}

export const transpose: Replacement = replacement<Input, TransposeAttrs>(
  (workspace, { inputs: { x }, attrs: { perm } }) => {
    const strides = stridesOf(x.shape);
    return copy(workspace, x, {
      lengths: perm.map((axis) => x.shape[axis]!),
      strides: perm.map((axis) => strides[axis]!),
    });
  },
);

/** Each axis becomes two, of which the first repeats. */
export const tile: Replacement = replacement<Input, TileAttrs>(
  (workspace, { inputs: { x }, attrs: { reps } }) => {
    const strides = stridesOf(x.shape);
    const out = copy(workspace, x, {
      lengths: x.shape.flatMap((length, axis) => [reps[axis]!, length]),
      strides: strides.flatMap((stride) => [0, stride]),
    });
    return out && { ...out, shape: x.shape.map((length, axis) => length * reps[axis]!) };
  },
);

/** Where an array of these lengths finds its values in another one. */
export interface Layout {
  readonly lengths: readonly number[];
  readonly strides: readonly number[];
}

/** A kernel's layout has at most this many axes. */
const MAX_AXES = 8;

/** A copy of 4-byte values in another layout; null for what the kernel does not do. */
function copy({ heap, kernels, placeLayout }: Workspace, x: TensorInfo, layout: Layout): TensorInfo | null {
  if (x.dtype !== "float32" && x.dtype !== "int32") return null;
  const { lengths, strides } = merged(layout);
  if (lengths.length > MAX_AXES) return null;
  const out = heap.output(layout.lengths, x.dtype);
  if (util.sizeFromShape(out.shape) === 0) return out;
  kernels.copyStrided(heap.pointerTo(x), lengths.length, placeLayout(lengths, strides), heap.pointerTo(out));
  return out;
}

export function stridesOf(shape: readonly number[]): readonly number[] {
  const strides: number[] = [];
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides.unshift(stride);
    stride *= shape[axis]!;
  }
  return strides;
}

/** The same layout with as few axes as it can have: none of length 1, and no two that one could walk. */
export function merged({ lengths, strides }: Layout): Layout {
  const few: { length: number; stride: number }[] = [];
  lengths.forEach((length, axis) => {
    if (length === 1) return;
    const stride = strides[axis]!;
    const last = few.at(-1);
    if (last !== undefined && last.stride === length * stride) {
      last.length *= length;
      last.stride = stride;
    } else few.push({ length, stride });
  });
  return { lengths: few.map(({ length }) => length), strides: few.map(({ stride }) => stride) };
}
