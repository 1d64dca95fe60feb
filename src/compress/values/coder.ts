import type { CodecSpec } from "../../model/protocol.ts";
import type { BitReader, BitWriter } from "../bits.ts";
import type { ByteReader, ByteWriter } from "../bytes.ts";

export type ValuesSpec = CodecSpec["values"];

/**
 * How the values of a payload are quantized and written. A coder writes exactly what `quantize` made, so that the
 * sender knows to the bit what the receiver will have: error feedback depends on it.
 */
export interface ValueCoder {
  /** Whether `quantize` changes nothing. */
  readonly exact: boolean;
  readonly bitsPerValue: number;
  /** The values as the receiver will have them; `values` are finite, at least one. */
  readonly quantize: (values: Float32Array) => Float32Array;
  /** The byte-aligned part, before the positions: what the values share. */
  readonly writeHead: (writer: ByteWriter, quantized: Float32Array) => void;
  readonly writeValues: (writer: BitWriter, quantized: Float32Array) => void;
}

/** What a payload's head says of its values; `read` takes `count` of them, `count * bitsPerValue` bits. */
export interface ValueReader {
  readonly spec: ValuesSpec;
  readonly bitsPerValue: number;
  readonly read: (reader: BitReader, count: number, place: string) => Float32Array;
}

/** A pair of writer and reader under one pinned id. */
export interface ValueFormat<Spec extends ValuesSpec> {
  readonly coder: (spec: Spec) => ValueCoder;
  readonly readHead: (reader: ByteReader) => ValueReader;
}
