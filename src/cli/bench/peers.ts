import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib";
import { codec } from "../../compress/codec.ts";
import type { Subject } from "./codecs.ts";

/** A way to lay a vector out in bytes, and back. */
interface Layout {
  readonly about: string;
  readonly toBytes: (vector: Float32Array) => Uint8Array;
  readonly fromBytes: (bytes: Uint8Array) => Float32Array;
}

interface Compressor {
  readonly about: string;
  readonly pack: (bytes: Uint8Array) => Uint8Array;
  readonly unpack: (bytes: Uint8Array) => Uint8Array;
}

const float32: Layout = {
  about: "float32",
  toBytes: (vector) => new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength),
  fromBytes: (bytes) => new Float32Array(bytes.slice().buffer),
};

/** A float32 scale, and as many 127ths of it as are nearest. */
const int8: Layout = {
  about: "int8 codes",
  toBytes(vector) {
    const scale = vector.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const codes = new Int8Array(vector.length);
    const perStep = scale === 0 ? 0 : 127 / scale;
    for (let i = 0; i < codes.length; i++) codes[i] = Math.round(vector[i]! * perStep);
    return scaled(scale, codes);
  },
  fromBytes: (bytes) => unscaled(bytes, 127),
};

const topTernary = codec({ select: { topK: 0.01 }, values: "ternary" });

/** What `golomb` sends, as int8 codes: 0, 1 and -1. */
const ternary: Layout = {
  about: "int8 codes of top 1 %, ternary",
  toBytes(vector) {
    const { values, support } = topTernary.encode(vector, 1).sent;
    const codes = new Int8Array(vector.length);
    for (let i = 0; i < values.length; i++) codes[support?.[i] ?? i] = Math.sign(values[i]!);
    return scaled(Math.abs(values[0] ?? 0), codes);
  },
  fromBytes: (bytes) => unscaled(bytes, 1),
};

function scaled(scale: number, codes: Int8Array): Uint8Array {
  const bytes = new Uint8Array(4 + codes.length);
  new DataView(bytes.buffer).setFloat32(0, scale, true);
  bytes.set(new Uint8Array(codes.buffer), 4);
  return bytes;
}

function unscaled(bytes: Uint8Array, steps: number): Float32Array {
  const step = new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true) / steps;
  const vector = new Float32Array(bytes.length - 4);
  for (let i = 0; i < vector.length; i++) vector[i] = step * ((bytes[4 + i]! << 24) >> 24);
  return vector;
}

const gzip: Compressor = {
  about: "gzip -6",
  pack: (bytes) => gzipSync(bytes, { level: 6 }),
  unpack: (bytes) => gunzipSync(bytes),
};

const brotli: Compressor = {
  about: "brotli -5",
  pack: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  unpack: (bytes) => brotliDecompressSync(bytes),
};

const peer = ({ about, toBytes, fromBytes }: Layout, { about: by, pack, unpack }: Compressor): Subject => ({
  about: `${by} of ${about}`,
  encode: (vector) => pack(toBytes(vector)),
  decode: (bytes, length) => ({ length, support: null, values: fromBytes(unpack(bytes)) }),
});

/** General compressors of what others send. */
export const peers: Readonly<Record<string, Subject>> = {
  "gzip-float32": peer(float32, gzip),
  "brotli-float32": peer(float32, brotli),
  "gzip-int8": peer(int8, gzip),
  "brotli-int8": peer(int8, brotli),
  "gzip-ternary": peer(ternary, gzip),
  "brotli-ternary": peer(ternary, brotli),
};
