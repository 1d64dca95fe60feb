import { codecKernels } from "../kernels/codec.ts";
import { assert } from "../model/assert.ts";
import type { CodecSpec } from "../model/protocol.ts";
import type { Positions, SparseVector } from "../model/tensor.ts";
import { byteReader } from "./bytes.ts";
import type { TensorPrior } from "./history/prior.ts";
import { log2Of } from "./logarithm.ts";
import { encodeLowRank } from "./low-rank-payload.ts";
import type { Matrix } from "./matrix.ts";
import { type Encoded, readPayload, writePayload } from "./payload.ts";
import type { Scratch } from "./scratch.ts";
import { type Selected, select } from "./selection.ts";
import { take } from "./take.ts";
import { fixedWidth } from "./values/coder.ts";
import { MAX_FLOAT32 } from "./values/scale.ts";
import { valueCoder } from "./values.ts";

/** One flat vector to bytes and back: select, quantize, positions, bytes. Knows no tensors, models or networks. */
export interface Codec {
  readonly spec: CodecSpec;
  /**
   * The vector must be finite, of length 1 or more. `seed`, 0 to 2^32-1, is for what is left to chance: same vector
   * and seed, same bytes. No magnitude above `bound`, and of the vector none is, comes out of it. With a `prior` the
   * positions may be written by it; only who has it can read them then. `chosen` takes the place of the selection: not
   * empty, or there is nothing else that is not zero; a selection by budget or rate needs it.
   */
  readonly encode: (
    vector: Float32Array,
    seed: number,
    bound?: number,
    prior?: TensorPrior | null,
    chosen?: Positions,
  ) => Encoded;
  /**
   * Throws WireError; `place` names the payload in it. `scratch` gives memory for values that are measured, folded and
   * gone; with it they may stay packed. Without the `prior` that positions were written by: `prior-mismatch`.
   */
  readonly decode: (
    bytes: Uint8Array,
    length: number,
    place?: string,
    scratch?: Scratch,
    prior?: TensorPrior | null,
  ) => SparseVector;
}

/**
 * `feedback`: whether what a payload leaves out is sent later. `matrices`: those that make up every vector to encode,
 * one after the other, for codecs that look at rows, columns or rank; one row if left out.
 */
export function codec(spec: CodecSpec, feedback = false, matrices?: readonly Matrix[]): Codec {
  const values = valueCoder(spec.values);
  return {
    spec,
    encode(vector, seed, bound = Infinity, prior = null, chosen = undefined) {
      assert(
        vector.length >= 1 && codecKernels(vector.length).allFinite(vector),
        "a vector to encode is finite and not empty",
      );
      const { length } = vector;
      const parts = matrices ?? [{ rows: 1, cols: length }];
      assert(
        parts.reduce((sum, { rows, cols }) => sum + rows * cols, 0) === length,
        "the matrices make up the vector",
      );
      if (typeof spec.select === "object" && "lowRank" in spec.select) {
        assert(parts.length === 1, "a low-rank codec codes one matrix");
        const shape = { ...parts[0]!, rank: spec.select.lowRank };
        const options = { seed, feedback, bound: Math.min(bound, MAX_FLOAT32) };
        return encodeLowRank(spec.values, vector, shape, options) ?? encodeNothing(spec.values, length);
      }
      const selected = chosen ? { positions: chosen, coded: null } : select(spec.select, vector, seed, parts);
      if (selected.positions?.length === 0) return encodeNothing(spec.values, length);
      const most = Math.min(bound, MAX_FLOAT32);
      const factor =
        isRandom(spec) && !feedback && selected.positions ? length / selected.positions.length : 1;
      const picked = gathered(vector, selected, factor, most);
      const perBit = hasChoice(spec.values) ? worthOfBit(picked, length) : 0;
      const quantized = values.quantize(picked, { seed, feedback, bound: most, perBit });
      return writePayload(spec.values, selected, quantized, length, prior);
    },
    decode: (bytes, length, place = "payload", scratch, prior = null) =>
      readPayload(byteReader(bytes, place), length, spec, scratch, prior),
  };
}

/** Decodes a payload whose codec was not agreed beforehand: the payload itself says how its values are coded. */
export const decodeAny = (bytes: Uint8Array, length: number, place: string): SparseVector =>
  readPayload(byteReader(bytes, place), length, null);

const hasChoice = (values: CodecSpec["values"]): boolean =>
  typeof values === "object" && "levels" in values && values.levels === "auto";

/** What the last of the values selected, the smallest, gave for each of its bits: others have to give as much. */
function worthOfBit(values: Float32Array, length: number): number {
  let least = Infinity;
  for (const value of values) least = Math.min(least, value * value);
  const bits = log2Of((length - values.length + 0.5) / (values.length + 0.5));
  return least / (Math.max(0, bits) + 1);
}

const isRandom = ({ select: selection }: CodecSpec): boolean =>
  typeof selection === "object" && "randomK" in selection;

/** The selected values times `factor`, by which random ones are right in the mean; beyond `most` they are clipped. */
function gathered(vector: Float32Array, { positions }: Selected, factor: number, most: number): Float32Array {
  if (positions === null) return vector;
  const values = take(vector, positions);
  return factor === 1 ? values : values.map((value) => Math.min(most, Math.max(-most, value * factor)));
}

const encodeNothing = (values: CodecSpec["values"], length: number): Encoded =>
  writePayload(values, { positions: new Uint32Array(0), coded: null }, NOTHING, length);

const NOTHING = fixedWidth(new Float32Array(0), new Uint32Array(0), 1);
