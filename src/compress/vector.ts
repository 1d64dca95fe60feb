import { type Values, writtenOut } from "../kernels/packed.ts";
import { type Positions, packedVector, type SparseVector } from "../model/tensor.ts";

/** A vector of values that are written out or packed. */
export const vectorOf = (length: number, support: Positions | null, values: Values): SparseVector =>
  values instanceof Float32Array
    ? { length, support, values }
    : packedVector(length, support, values, () => writtenOut(values));
