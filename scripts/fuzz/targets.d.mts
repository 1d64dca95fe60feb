import type { Codec } from "../../src/compress/codec.ts";
import type { SparseVector } from "../../src/model/tensor.ts";
import type { FuzzEntry, FuzzTarget } from "./hunt.mjs";

export interface PayloadEntry extends FuzzEntry {
  readonly codec: Codec;
}

export const targets: Readonly<Record<string, () => FuzzTarget>> & {
  readonly ternary: () => FuzzTarget<SparseVector, PayloadEntry>;
};
