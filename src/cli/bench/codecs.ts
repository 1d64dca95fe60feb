import { bitReader, bitWriter } from "../../compress/bits.ts";
import { byteWriter } from "../../compress/bytes.ts";
import { codec } from "../../compress/codec.ts";
import type { Matrix } from "../../compress/matrix.ts";
import { rangeGaps } from "../../compress/positions/range.ts";
import type { CodecSpec } from "../../model/protocol.ts";
import type { SparseVector } from "../../model/tensor.ts";
import { peers } from "./peers.ts";

/** What `bench codec` measures under one name. */
export interface Subject {
  /** What it does, in a few words. */
  readonly about: string;
  readonly encode: (vector: Float32Array) => Uint8Array;
  readonly decode: (bytes: Uint8Array, length: number) => SparseVector;
  /** The symbols that were coded for the values, where they are not the values themselves. */
  readonly symbols?: (bytes: Uint8Array, length: number) => Iterable<number>;
}

/**
 * Codecs by name; a new one is a line here. `golomb` is named after its positions: at this density Golomb-Rice is the
 * shortest code of them, unless they cluster; `rans` after the code of its levels.
 */
const SPECS = {
  float32: { select: "all", values: "float32" },
  bfloat16: { select: "all", values: "bfloat16" },
  float16: { select: "all", values: "float16" },
  rans: { select: "all", values: { uniform: 8 } },
  "uniform-4": { select: "all", values: { uniform: 4 } },
  "stochastic-4": { select: "all", values: { uniform: 4, rounding: "stochastic" } },
  qsgd: { select: "all", values: { qsgd: 7 } },
  codebook: { select: "all", values: { codebook: 16 } },
  eden: { select: "all", values: { eden: 2 } },
  sign: { select: "all", values: "sign" },
  golomb: { select: { topK: 0.01 }, values: "ternary" },
  levels: { select: { topK: 0.01 }, values: { levels: 3 } },
  ternary: { select: { topK: 0.1 }, values: "ternary" },
  blocks: { select: { blocks: { keep: 1, of: 16 } }, values: "ternary" },
  "random-k": { select: { randomK: 0.01 }, values: "bfloat16" },
} as const satisfies Readonly<Record<string, CodecSpec>>;

/** By name, in the order of the table. */
export const benchCodecs: Readonly<Record<string, Subject>> = {
  ...Object.fromEntries(Object.entries(SPECS).map(([name, spec]) => [name, ofSpec(spec)])),
  range: byRange(0.01),
  rows: ofMatrix({ select: { rows: 0.1 }, values: "ternary" }),
  filters: ofMatrix({ select: { filters: 0.1 }, values: "ternary" }),
  powersgd: ofMatrix({ select: { lowRank: 4 }, values: "float16" }),
  ...peers,
};

function ofSpec(spec: CodecSpec): Subject {
  const { encode, decode } = codec(spec);
  const { values } = spec;
  return {
    about: `${aboutSelect(spec.select)}, ${aboutValues(values)}`,
    encode: (vector) => encode(vector, 1).payload,
    decode,
    ...(typeof values === "object" &&
      "eden" in values && { symbols: (bytes, length) => edenSymbols(bytes, length, values.eden) }),
  };
}

function aboutSelect(select: CodecSpec["select"]): string {
  if (select === "all") return "all";
  if ("topK" in select) return `top ${100 * select.topK} %`;
  if ("randomK" in select) return `random ${100 * select.randomK} %`;
  if ("threshold" in select) return `from ${select.threshold}`;
  if ("lowRank" in select) return `rank ${select.lowRank}`;
  if ("rows" in select) return `rows, ${100 * select.rows} %`;
  if ("filters" in select) return `filters, ${100 * select.filters} %`;
  if ("budget" in select) return "budget";
  return `${select.blocks.keep} of ${select.blocks.of}`;
}

function aboutValues(values: CodecSpec["values"]): string {
  return typeof values === "string" ? values : Object.entries(values).flat().join(" ");
}

/** As `golomb`, with the positions by the range coder even where Golomb-Rice is shorter. */
function byRange(density: number): Subject {
  const { encode, decode } = codec({ select: { topK: density }, values: "ternary" });
  return {
    about: `top ${100 * density} %, ternary, positions by the range coder`,
    encode(vector) {
      const { support, values } = encode(vector, 1).sent;
      const gaps = rangeGaps(support!);
      const writer = byteWriter();
      writer.uint8(RANGE_AND_TERNARY);
      gaps.writeHead(writer);
      writer.float32(Math.abs(values[0]!));
      const bits = bitWriter(writer.region(Math.ceil((gaps.bits + values.length) / 8)));
      gaps.writePositions(bits);
      for (const value of values) bits.write(value < 0 ? 1 : 0, 1);
      bits.flush();
      return writer.written().slice();
    },
    decode,
  };
}

/** The coders' byte of a payload: position coder 7, value coder 2. */
const RANGE_AND_TERNARY = 0x72;

/** The vector as a matrix that is as nearly square as its length allows. */
function ofMatrix(spec: CodecSpec): Subject {
  return {
    about: `${aboutSelect(spec.select)}, ${aboutValues(spec.values)}, of a matrix as nearly square as can be`,
    encode: (vector) => codec(spec, true, [squarest(vector.length)]).encode(vector, 1).payload,
    decode: codec(spec).decode,
  };
}

function squarest(length: number): Matrix {
  for (let rows = Math.floor(Math.sqrt(length)); ; rows--)
    if (length % rows === 0) return { rows, cols: length / rows };
}

/** The codes in an eden payload of all coordinates: docs/wire-format.md, with heads of six bytes before the blocks. */
function* edenSymbols(payload: Uint8Array, length: number, bits: number): Iterable<number> {
  const reader = bitReader(payload.subarray(6), "eden");
  for (let left = length; left > 0; ) {
    const size = left < 64 ? 64 : Math.min(2 ** 16, 2 ** (31 - Math.clz32(left)));
    for (let half = 0; half < 2; half++) reader.read(16); // the block's scale
    for (let i = 0; i < size; i++) yield reader.read(bits);
    left -= size;
  }
}
