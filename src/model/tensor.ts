import { assert } from "./assert.ts";

/** A dense float32 tensor, row major. `data.length` is the product of `shape`. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A model's tensors by name, in the manifest's order. */
export type Params = ReadonlyMap<string, Tensor>;

/** Sorted, distinct coordinates of a flat vector; null in its place means "all of them". */
export type Positions = Uint32Array;

/** Of every tensor the coordinates that something owns; null: all of them. */
export type Masks = ReadonlyMap<string, Positions | null>;

/** `values[i]` stands at `support[i]`; every other coordinate of the `length` is zero. */
export interface SparseVector {
  readonly length: number;
  readonly support: Positions | null;
  /** Of packed ones, written out when first asked for. */
  readonly values: Float32Array;
  /** The same values as they came, where the vector is to be measured and folded, and no more. */
  readonly packed?: Packed;
}

/** The entry of a table for every code, or float32s of four bytes each, the low one first, at any address. */
export type Packed =
  | { readonly codes: Uint8Array; readonly table: Float32Array }
  | { readonly bytes: Uint8Array };

/** A vector of packed values; `write` writes them out. */
export function packedVector(
  length: number,
  support: Positions | null,
  packed: Packed,
  write: () => Float32Array,
): SparseVector {
  let values: Float32Array | null = null;
  return {
    length,
    support,
    packed,
    get values() {
      values ??= write();
      return values;
    },
  };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

export function mapParams(params: Params, f: (tensor: Tensor, name: string) => Float32Array): Params {
  const result = new Map<string, Tensor>();
  for (const [name, tensor] of params) {
    const data = f(tensor, name);
    assert(data.length === tensor.data.length, `${name} keeps its size`);
    result.set(name, { shape: tensor.shape, data });
  }
  return result;
}

export const zerosLike = (params: Params): Params =>
  mapParams(params, (t) => new Float32Array(t.data.length));

/** `after - before`, coordinate by coordinate: the delta that is added, never subtracted. */
export function deltaOf(before: Params, after: Params): Params {
  return mapParams(before, ({ data }, name) => {
    const other = after.get(name)?.data;
    assert(other?.length === data.length, `${name} is in both models`);
    return data.map((v, i) => other[i]! - v);
  });
}

/** Writes a sparse vector out in full. */
export function toDense({ length, support, values }: SparseVector): Float32Array {
  if (support === null) return values;
  const dense = new Float32Array(length);
  for (let i = 0; i < support.length; i++) dense[support[i]!] = values[i]!;
  return dense;
}
