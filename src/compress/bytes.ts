import { assert } from "../model/assert.ts";
import { WireError } from "../model/error.ts";

/** One field as it was read: where it stood, and what it said. Raw bytes come as they are. */
export interface Field {
  readonly offset: number;
  readonly length: number;
  readonly field: string;
  readonly value: string | number | Uint8Array;
}

export type Trace = (field: Field) => void;

/** Byte-aligned fields, read in order. Every field has a name, which is also its place in a WireError. */
export interface ByteReader {
  /** The full name of a field. */
  readonly placed: (field: string) => string;
  /** The offset of the next byte. */
  readonly offset: () => number;
  readonly remaining: () => number;
  /** An unsigned byte, `low` to `high` (`bad-field` outside); `show` is how a trace prints it. */
  readonly uint8: (field: string, low: number, high: number, show?: (value: number) => string) => number;
  /** An unsigned integer in its shortest LEB128 form, `low` to `high`, at most 2^32-1. */
  readonly varint: (field: string, low: number, high: number) => number;
  /** The first four bytes of a digest, in the digest's order. */
  readonly shortDigest: (field: string) => number;
  /** Four bytes, little endian, 0 to 2^32-1. */
  readonly uint32: (field: string) => number;
  /** `length` bytes, little endian, `low` to `high`. */
  readonly wide: (field: string, length: number, low: bigint, high: bigint) => bigint;
  /** A finite float32, little endian. */
  readonly float32: (field: string) => number;
  /** The next `length` bytes, as a view. */
  readonly bytes: (field: string, length: number) => Uint8Array;
  /** Nothing may follow. */
  readonly end: () => void;
}

/** Reads `bytes`, whose fields are named `prefix/field`. Throws `truncated` when they end too early. */
export function byteReader(bytes: Uint8Array, prefix: string, trace?: Trace): ByteReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;

  const placed = (field: string): string => (prefix === "" ? field : `${prefix}/${field}`);
  const need = (field: string, length: number): void => {
    if (length > bytes.length - at)
      throw new WireError("truncated", placed(field), `needs ${length} bytes, has ${bytes.length - at}`);
  };
  const traced = <T extends number | Uint8Array>(
    field: string,
    start: number,
    value: T,
    shown?: string,
  ): T => {
    trace?.({ offset: start, length: at - start, field: placed(field), value: shown ?? value });
    return value;
  };
  const inRange = (field: string, value: number, low: number, high: number): void => {
    if (value < low || value > high)
      throw new WireError("bad-field", placed(field), `${value}, expected ${low} to ${high}`);
  };

  return {
    placed,
    offset: () => at,
    remaining: () => bytes.length - at,
    uint8(field, low, high, show) {
      need(field, 1);
      const value = bytes[at++]!;
      inRange(field, value, low, high);
      return traced(field, at - 1, value, show?.(value));
    },
    varint(field, low, high) {
      const start = at;
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        need(field, 1);
        const byte = bytes[at++]!;
        value += (byte & 127) * scale;
        if (value > 0xffffffff) throw new WireError("bad-field", placed(field), "above 2^32-1");
        if (byte < 128) {
          if (byte === 0 && scale > 1)
            throw new WireError("bad-field", placed(field), "not the shortest form");
          break;
        }
        if (scale === 128 ** 4) throw new WireError("bad-field", placed(field), "longer than 5 bytes");
      }
      inRange(field, value, low, high);
      return traced(field, start, value);
    },
    shortDigest(field) {
      need(field, 4);
      const value = view.getUint32(at);
      at += 4;
      return traced(field, at - 4, value, value.toString(16).padStart(8, "0"));
    },
    uint32(field) {
      need(field, 4);
      at += 4;
      return traced(field, at - 4, view.getUint32(at - 4, true));
    },
    wide(field, length, low, high) {
      need(field, length);
      let value = 0n;
      for (let byte = length - 1; byte >= 0; byte--) value = (value << 8n) | BigInt(bytes[at + byte]!);
      if (value < low || value > high)
        throw new WireError("bad-field", placed(field), `${value}, expected ${low} to ${high}`);
      at += length;
      trace?.({ offset: at - length, length, field: placed(field), value: String(value) });
      return value;
    },
    float32(field) {
      need(field, 4);
      const value = view.getFloat32(at, true);
      if (!Number.isFinite(value)) throw new WireError("not-finite", placed(field), `${value}`);
      at += 4;
      return traced(field, at - 4, value);
    },
    bytes(field, length) {
      need(field, length);
      const start = at;
      at += length;
      return traced(field, start, new Uint8Array(bytes.buffer, bytes.byteOffset + start, length));
    },
    end() {
      if (at < bytes.length)
        throw new WireError("trailing", placed("end"), `${bytes.length - at} bytes after the last field`);
    },
  };
}

/** The writing side; what a field may hold is asserted, since only a bug can break it. */
export interface ByteWriter {
  readonly uint8: (value: number) => void;
  readonly varint: (value: number) => void;
  readonly shortDigest: (value: number) => void;
  readonly uint32: (value: number) => void;
  /** In so many bytes, little endian. */
  readonly wide: (value: bigint, length: number) => void;
  readonly float32: (value: number) => void;
  readonly bytes: (value: Uint8Array) => void;
  /** `length` zero bytes to be filled in before anything else is written. */
  readonly region: (length: number) => Uint8Array;
  /** What was written so far, as a view. */
  readonly written: () => Uint8Array;
}

export function byteWriter(capacity = 64): ByteWriter {
  let buffer = new Uint8Array(capacity);
  let at = 0;
  const region = (length: number): Uint8Array => {
    if (at + length > buffer.length) {
      const larger = new Uint8Array(Math.max(2 * buffer.length, at + length));
      larger.set(buffer);
      buffer = larger;
    }
    at += length;
    return buffer.subarray(at - length, at);
  };
  const viewOf = (length: number): DataView => {
    const bytes = region(length);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  };
  const uint8 = (value: number): void => {
    assert(Number.isInteger(value) && value >= 0 && value < 256, `${value} is a byte`);
    region(1)[0] = value;
  };
  return {
    uint8,
    varint(value) {
      assert(
        Number.isInteger(value) && value >= 0 && value <= 0xffffffff,
        `${value} is an unsigned 32-bit integer`,
      );
      let rest = value;
      for (; rest >= 128; rest = Math.floor(rest / 128)) uint8((rest % 128) + 128);
      uint8(rest);
    },
    shortDigest: (value) => viewOf(4).setUint32(0, value),
    uint32: (value) => viewOf(4).setUint32(0, value, true),
    wide(value, length) {
      assert(value >= 0n && value < 1n << BigInt(8 * length), `${value} is ${length} bytes`);
      const bytes = region(length);
      for (let byte = 0; byte < length; byte++) bytes[byte] = Number((value >> BigInt(8 * byte)) & 255n);
    },
    float32(value) {
      assert(Number.isFinite(Math.fround(value)), `${value} is a finite float32`);
      viewOf(4).setFloat32(0, value, true);
    },
    bytes: (value) => region(value.length).set(value),
    region,
    written: () => buffer.subarray(0, at),
  };
}

/** How many bytes the varint of a value takes. */
export function varintBytes(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}
