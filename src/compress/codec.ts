import { assert } from "../model/assert.ts";
import type { CodecSpec } from "../model/protocol.ts";
import type { Positions, SparseVector } from "../model/tensor.ts";
import { byteReader } from "./bytes.ts";
import { readPayload, writePayload } from "./payload.ts";
import { countOfDensity, topK } from "./select.ts";
import { valueCoder } from "./values.ts";

/** One flat vector to bytes and back: select, quantize, positions, bytes. Knows no tensors, models or networks. */
export interface Codec {
  readonly spec: CodecSpec;
  /**
   * What is lost: "nothing", or never more than there is (|v - sent| <= |v|, a contraction). Both are fit for error
   * feedback; an unbiased code would not be, since its noise makes the residual grow without bound.
   */
  readonly loses: "nothing" | "contraction";
  /** The vector must be finite, of length 1 or more. Same vector, same bytes. */
  readonly encode: (vector: Float32Array) => Encoded;
  /** Throws WireError; `place` names the payload in it. */
  readonly decode: (bytes: Uint8Array, length: number, place?: string) => SparseVector;
}

interface Encoded {
  readonly payload: Uint8Array;
  /** What `decode` makes of the payload, to the bit. */
  readonly sent: SparseVector;
}

export function codec(spec: CodecSpec): Codec {
  const values = valueCoder(spec.values);
  return {
    spec,
    loses: spec.select === "all" && values.exact ? "nothing" : "contraction",
    encode(vector) {
      assert(
        vector.length >= 1 && vector.every(Number.isFinite),
        "a vector to encode is finite and not empty",
      );
      const selected =
        spec.select === "all" ? null : topK(vector, countOfDensity(spec.select.topK, vector.length));
      const sent = quantize(vector, selected, values.quantize);
      return { payload: writePayload(spec.values, sent), sent };
    },
    decode: (bytes, length, place = "payload") => readPayload(byteReader(bytes, place), length, spec.values),
  };
}

/** Decodes a payload whose codec was not agreed beforehand: the payload itself says how its values are coded. */
export const decodeAny = (bytes: Uint8Array, length: number, place: string): SparseVector =>
  readPayload(byteReader(bytes, place), length, null);

function quantize(
  vector: Float32Array,
  selected: Positions | null,
  quantizeValues: (values: Float32Array) => Float32Array,
): SparseVector {
  const { length } = vector;
  if (selected === null) return { length, support: null, values: quantizeValues(vector) };
  if (selected.length === 0) return { length, support: selected, values: new Float32Array(0) };
  const values = quantizeValues(Float32Array.from(selected, (i) => vector[i]!));
  // What was rounded to zero need not be sent: absent from the support is a zero.
  if (values.includes(0)) {
    return {
      length,
      support: selected.filter((_, i) => values[i] !== 0),
      values: values.filter((v) => v !== 0),
    };
  }
  return { length, support: selected.length === length ? null : selected, values };
}
