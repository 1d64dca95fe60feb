import { codecKernels } from "../kernels/codec.ts";
import { isLittleEndian } from "../kernels/endian.ts";
import type { Values } from "../kernels/packed.ts";
import { WireError, type WireErrorCode } from "../model/error.ts";
import { fresh, type Scratch } from "./scratch.ts";

/**
 * Bits in the order of DEFLATE (RFC 1951, 3.1.1): a byte is filled from its least significant bit up, and so is a
 * number. An aligned float32 is therefore its four little-endian bytes.
 */
export interface BitWriter {
  /** The low `width` bits of `value`, width 0 to 24. */
  readonly write: (value: number, width: number) => void;
  /** The low `width` bits of every code, width 1 to 32: as if written one by one (those above 24 in two parts). */
  readonly writeAll: (codes: Uint32Array | Uint8Array, width: number) => void;
  /** The first `count` bits of a stream of its own, whose last byte has zeros behind them. */
  readonly append: (bits: Uint8Array, count: number) => void;
  /** `zeros` zero bits, then a one. */
  readonly unary: (zeros: number) => void;
  /** Fills the last byte up with zeros. */
  readonly flush: () => void;
}

/** Writes into `bytes`, which must be large enough. */
export function bitWriter(bytes: Uint8Array): BitWriter {
  let at = 0;
  let held = 0;
  let numHeld = 0; // below 8 between calls, so that 24 more fit in 32 bits
  const write = (value: number, width: number): void => {
    held |= value << numHeld;
    numHeld += width;
    while (numHeld >= 8) {
      bytes[at++] = held;
      held >>>= 8;
      numHeld -= 8;
    }
  };
  const append = (bits: Uint8Array, count: number): void => {
    const numWhole = Math.floor(count / 8);
    const whole = bits.subarray(0, numWhole);
    if (numHeld === 0) bytes.set(whole, at);
    else {
      const shifted = codecKernels(numWhole).shiftBits(whole, numHeld, held);
      bytes.set(shifted.subarray(0, numWhole), at);
      held = shifted[numWhole]!;
    }
    at += numWhole;
    if (count % 8 > 0) write(bits[numWhole]!, count % 8);
  };
  const writeAll = (codes: Uint32Array | Uint8Array, width: number): void => {
    if (width === 32 && numHeld === 0 && codes instanceof Uint32Array) {
      bytes.set(littleEndian(isLittleEndian ? codes : codes.slice()), at);
      at += 4 * codes.length;
    } else if (width > 24)
      for (let i = 0; i < codes.length; i++) {
        write(codes[i]! & 0xffff, 16);
        write(codes[i]! >>> 16, width - 16);
      }
    else {
      const numPacked = width <= 8 && codes instanceof Uint8Array ? codes.length & ~7 : 0;
      if (numPacked > 0) {
        const packed = codecKernels(numPacked).pack((codes as Uint8Array).subarray(0, numPacked), width);
        append(packed, 8 * packed.length);
      }
      for (let i = numPacked; i < codes.length; i++) write(codes[i]!, width);
    }
  };
  return {
    write,
    writeAll,
    append,
    unary(zeros) {
      let left = zeros;
      for (; left >= 24; left -= 24) write(0, 24);
      write(1 << left, left + 1);
    },
    flush() {
      if (numHeld > 0) bytes[at] = held;
    },
  };
}

/** The bytes of words, the low one first: a view, or where the engine has them the other way around, turned in place. */
function littleEndian(words: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  if (!isLittleEndian) for (let i = 0; i < bytes.length; i += 4) bytes.subarray(i, i + 4).reverse();
  return bytes;
}

export interface BitReader {
  readonly remaining: () => number;
  /** What comes next, without taking it: as many whole bytes as there are, at most `most`. */
  readonly ahead: (most?: number) => Uint8Array;
  /** Takes so many bits, of those that remain. */
  readonly skip: (count: number) => void;
  /** The next `width` bits as a number, width 0 to 24. */
  readonly read: (width: number) => number;
  /** The next `count` numbers of `width` bits each, width 1 to 8; they may be a view of the bytes. */
  readonly readAll: (count: number, width: number) => Uint8Array;
  /** The next `count` numbers of 32 bits each, as the floats that have those bits; at a byte's border, a view of the bytes. */
  readonly readFloats: (count: number) => Values;
  /** Memory for so many values that are read; it may hold anything. */
  readonly floats: (count: number) => Float32Array;
  /** How many zero bits stand before the next one bit; above `limit` it throws `code`, `bad-positions` if not given. */
  readonly unary: (limit: number, code?: WireErrorCode) => number;
  /** Only zero bits may be left, and fewer than 8 of them. */
  readonly end: () => void;
}

export function bitReader(bytes: Uint8Array, place: string, scratch: Scratch = fresh): BitReader {
  let at = 0;
  let held = 0;
  let numHeld = 0;
  const load = (): void => {
    if (at === bytes.length) throw new WireError("truncated", place, `ends after ${8 * at} bits`);
    held |= bytes[at++]! << numHeld;
    numHeld += 8;
  };
  const read = (width: number): number => {
    while (numHeld < width) load();
    const value = held & ((1 << width) - 1);
    held >>>= width;
    numHeld -= width;
    return value;
  };
  const remaining = (): number => 8 * (bytes.length - at) + numHeld;
  const ahead = (most = Infinity): Uint8Array => {
    const next = bytes.subarray(at, at + Math.min(most, bytes.length - at));
    return numHeld === 0 ? next : codecKernels(next.length).shiftBits(next, numHeld, held).subarray(0, -1);
  };
  const skip = (count: number): void => {
    const fromHeld = Math.min(count, numHeld);
    read(fromHeld);
    at += Math.floor((count - fromHeld) / 8);
    read((count - fromHeld) % 8);
  };
  return {
    remaining,
    ahead,
    skip,
    readAll(count, width) {
      if (count * width > remaining())
        throw new WireError("truncated", place, `ends after ${8 * bytes.length} bits`);
      if (width === 8 && numHeld === 0) {
        const codes = ahead(count);
        skip(8 * count);
        return codes;
      }
      const numPacked = count & ~7;
      const first = codecKernels(numPacked).unpack(ahead((numPacked / 8) * width), width);
      skip(numPacked * width);
      if (numPacked === count) return first;
      const codes = new Uint8Array(count);
      codes.set(first);
      for (let i = numPacked; i < count; i++) codes[i] = read(width);
      return codes;
    },
    floats: scratch.floats,
    readFloats(count) {
      if (32 * count > remaining())
        throw new WireError("truncated", place, `ends after ${8 * bytes.length} bits`);
      if (numHeld === 0) {
        at += 4 * count;
        return { bytes: bytes.subarray(at - 4 * count, at) };
      }
      const values = scratch.floats(count);
      const words = new Uint32Array(values.buffer, values.byteOffset, count);
      for (let i = 0; i < count; i++) {
        const low = read(16);
        words[i] = low | (read(16) << 16);
      }
      return values;
    },
    read,
    unary(limit, code = "bad-positions") {
      let zeros = 0;
      while (held === 0) {
        zeros += numHeld;
        if (zeros > limit) break;
        numHeld = 0;
        load();
      }
      const more = held === 0 ? 0 : 31 - Math.clz32(held & -held);
      zeros += more;
      if (zeros > limit) throw new WireError(code, place, `a run above ${limit}`);
      held >>>= more + 1;
      numHeld -= more + 1;
      return zeros;
    },
    end() {
      if (at < bytes.length)
        throw new WireError("trailing", place, `${bytes.length - at} bytes after the last bit`);
      if (held !== 0) throw new WireError("bad-field", place, "padding bits are not zero");
    },
  };
}
