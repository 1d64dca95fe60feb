import { codecKernels } from "../../kernels/codec.ts";
import type { Values } from "../../kernels/packed.ts";
import type { CodecSpec } from "../../model/protocol.ts";
import type { BitReader, BitWriter } from "../bits.ts";
import type { ByteReader, ByteWriter } from "../bytes.ts";
import { take } from "../take.ts";

export type ValuesSpec = CodecSpec["values"];

/**
 * What coding costs in precision. A contraction never loses more than there is, sum (v - sent)^2 <= sum v^2, and is
 * fit for error feedback; rounding is one that takes floats of any size and changes their last bits only. An unbiased
 * code is right in the mean over seeds, of what is selected, but its noise would make a residual grow.
 */
export type Loss = "nothing" | "rounding" | "contraction" | "unbiased";

export interface QuantizeOptions {
  /** For what is left to chance, 0 to 2^32-1. */
  readonly seed: number;
  /** Whether what is lost is sent later: then what comes out is a contraction, and not scaled to be unbiased. */
  readonly feedback: boolean;
  /** The squared error that is worth a bit; what coders with a choice weigh by. 0 if left out. */
  readonly perBit?: number;
  /** No magnitude above it comes out. At most the largest float32; none of the values is above it. */
  readonly bound: number;
}

/** How the values of a payload are quantized and written. */
export interface ValueCoder {
  /** Without feedback; with it, nothing is merely unbiased. */
  readonly loses: Loss;
  /** Whether most may become zero, so that it pays to send the others by position even where all are selected. */
  readonly sparse?: true;
  /** `values` are finite, at least one. */
  readonly quantize: (values: Float32Array, options: QuantizeOptions) => Quantized;
}

/** Quantized values: the sender knows to the bit what the receiver will have, since error feedback depends on it. */
export interface Quantized {
  readonly values: Float32Array;
  /** How the values at these places are written (null: all of them); `zeros` is whether zeros may be among them. */
  readonly code: (places: Uint32Array | null, zeros: boolean) => ValueCode;
}

/** One way to write values, with what it costs. */
export interface ValueCode {
  readonly headBytes: number;
  readonly bits: number;
  /** The byte-aligned part, before the positions' bits: what the values share. */
  readonly writeHead: (writer: ByteWriter) => void;
  readonly writeValues: (writer: BitWriter) => void;
}

/** What a payload's head says of its values. */
export interface ValueReader {
  /** The least bits that one value takes; 0 where an entropy coder writes all of them together. */
  readonly leastBits: number;
  /** Packed, where they are entries of a table or floats as they are. */
  readonly read: (reader: BitReader, count: number, place: string) => Values;
}

/** A pair of writer and reader under one pinned id. */
export interface ValueFormat<Spec extends ValuesSpec> {
  readonly coder: (spec: Spec) => ValueCoder;
  /** `agreed` is the plan's spec, or null for any; throws `bad-codec` when the head is not as agreed. */
  readonly readHead: (reader: ByteReader, agreed: Spec | null, zeros: boolean) => ValueReader;
}

/** What most coders make: one code of `width` bits (1 to 32) a value, after a head that is always the same. */
export function fixedWidth(
  values: Float32Array,
  codes: Uint32Array | Uint8Array,
  width: number,
  headBytes = 0,
  writeHead: (writer: ByteWriter) => void = () => {},
): Quantized {
  return {
    values,
    code(places) {
      const written = codesAt(codes, places);
      return {
        headBytes,
        bits: width * written.length,
        writeHead,
        writeValues: (writer) => writer.writeAll(written, width),
      };
    },
  };
}

export const codesAt = <T extends Uint32Array | Uint8Array>(codes: T, places: Uint32Array | null): T =>
  places === null ? codes : take(codes, places);

/** Of every code its value in the table, which has one for each of them. */
export const lookUp = (table: Float32Array, codes: Uint8Array): Float32Array =>
  codecKernels(codes.length).lookUp(table, codes, new Float32Array(codes.length));
