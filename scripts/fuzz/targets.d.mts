import type { Codec } from "../../src/compress/codec.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import type { Params, SparseVector } from "../../src/model/tensor.ts";
import type { FuzzEntry, FuzzTarget } from "./hunt.mjs";

export interface PayloadEntry extends FuzzEntry {
  readonly codec: Codec;
  /** Null where the payload is decoded by what its head says. */
  readonly agreed: CodecSpec | null;
}

export const payloadTargets: Readonly<Record<string, () => FuzzTarget<SparseVector, PayloadEntry>>> & {
  readonly ternary: () => FuzzTarget<SparseVector, PayloadEntry>;
};

export interface PatchEntry extends FuzzEntry {
  readonly origin: Params;
}

export const targets: Readonly<Record<string, () => FuzzTarget>> & {
  readonly patch: () => FuzzTarget<readonly number[] | null, PatchEntry>;
};
export const slowness: Readonly<Record<string, number>>;
