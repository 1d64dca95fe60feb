import { type CodecArena, PART } from "./codec-arena.ts";
import type { CodecExports } from "./codec-exports.ts";

/**
 * Rice's code (1979) of numbers: the high part in unary, zeros and then a one, and the low bits as they are, in the
 * order of DEFLATE. Numbers take two parameters, 0 to 24, by turns: how many bits are low.
 */
export interface RiceKernels {
  /** The sum of n >>> shift over all numbers, whose own sum is below 2^32. */
  readonly sumShifted: (numbers: Uint32Array, shift: number) => number;
  /** Into zeros, exactly as many bytes as it takes. */
  readonly riceEncode: (numbers: Uint32Array, parameters: Pair, into: Uint8Array) => void;
  /**
   * At most `count` rising numbers, of which each is written as what it is above the one before it plus a step: by turns
   * the first, after the numbers at even places, and the second.
   */
  readonly riceDecode: (bytes: Uint8Array, count: number, code: RisingCode) => RisingNumbers;
}

export type Pair = readonly [number, number];

export interface RisingCode {
  readonly parameters: Pair;
  readonly steps: Pair;
  /** No number may be so large. */
  readonly length: number;
}

export interface RisingNumbers {
  /** Those before the first that does not end within the bytes or is too large. */
  readonly numbers: Uint32Array;
  readonly numBits: number;
}

export const scalarRice: RiceKernels = {
  sumShifted(numbers, shift) {
    let sum = 0;
    for (let i = 0; i < numbers.length; i++) sum += numbers[i]! >>> shift;
    return sum;
  },

  riceEncode(numbers, parameters, into) {
    write(numbers, parameters, into, 0);
  },

  riceDecode(bytes, count, code) {
    const numbers = new Uint32Array(count);
    const { numRead, bit } = read(bytes, { bit: 0, least: 0, numRead: 0 }, code, numbers);
    return { numbers: numbers.subarray(0, numRead), numBits: bit };
  },
};

/** Writes behind the first `bit` bits, and returns how many there are then. */
function write(numbers: Uint32Array, parameters: Pair, into: Uint8Array, bit: number): number {
  let at = Math.floor(bit / 8);
  let held = into[at]!;
  let numHeld = bit % 8;
  for (let i = 0; i < numbers.length; i++) {
    const parameter = parameters[i % 2]!;
    numHeld += numbers[i]! >>> parameter;
    for (; numHeld >= 8; numHeld -= 8) {
      into[at++] = held;
      held = 0;
    }
    held |= (2 * (numbers[i]! & ((1 << parameter) - 1)) + 1) << numHeld; // at most 7 + 1 + 24 bits
    for (numHeld += 1 + parameter; numHeld >= 8; numHeld -= 8) {
      into[at++] = held;
      held >>>= 8;
    }
  }
  if (numHeld > 0) into[at] = held;
  return 8 * at + numHeld;
}

interface Reached {
  readonly bit: number;
  /** The least that the next number may be. */
  readonly least: number;
  readonly numRead: number;
}

/** Reads on until `into` is full, or before a number that cannot be read. */
function read(
  bytes: Uint8Array,
  from: Reached,
  { parameters, steps, length }: RisingCode,
  into: Uint32Array,
): Reached {
  let { bit, least, numRead } = from;
  let at = Math.floor(bit / 8);
  let numHeld = at < bytes.length ? 8 - (bit % 8) : 0;
  let held = numHeld === 0 ? 0 : bytes[at++]! >>> (bit % 8);
  for (; numRead < into.length; numRead++) {
    const parameter = parameters[numRead % 2]!;
    let zeros = 0;
    for (; held === 0 && at < bytes.length; numHeld = 8) {
      zeros += numHeld;
      held = bytes[at++]!;
    }
    if (held === 0) break;
    const more = 31 - Math.clz32(held & -held);
    held >>>= more + 1;
    numHeld -= more + 1;
    for (; numHeld < parameter && at < bytes.length; numHeld += 8) held |= bytes[at++]! << numHeld;
    if (numHeld < parameter) break;
    const number = least + (zeros + more) * 2 ** parameter + (held & ((1 << parameter) - 1));
    if (number >= length) break;
    held >>>= parameter;
    numHeld -= parameter;
    into[numRead] = number;
    least = number + steps[numRead % 2]!;
    bit = 8 * at - numHeld;
  }
  return { bit, least, numRead };
}

const ENCODED_PART = 2 ** 13;
/** Bytes at once, and what is read and written behind them. */
const WINDOW = 2 ** 17;
const BEHIND = 32;

export function simdRice(wasm: CodecExports, { place, bytes, words }: CodecArena): RiceKernels {
  const turned = ([a, b]: Pair, turns: number): Pair => (turns % 2 === 0 ? [a, b] : [b, a]);
  return {
    sumShifted(numbers, shift) {
      const [at] = place(4 * PART);
      let sum = 0;
      for (let start = 0; start < numbers.length; start += PART) {
        const part = numbers.subarray(start, start + PART);
        words(at, part.length).set(part);
        sum += wasm.sumShifted(at, part.length, shift) >>> 0;
      }
      return sum;
    },

    riceEncode(numbers, [first, second], into) {
      const [at, out] = place(4 * ENCODED_PART, WINDOW + BEHIND);
      let bit = 0;
      for (let start = 0; start < numbers.length; start += ENCODED_PART) {
        const part = numbers.subarray(start, start + ENCODED_PART);
        words(at, part.length).set(part);
        const high = wasm.sumShifted(at, part.length, Math.min(first, second)) >>> 0;
        if (high + 32 * part.length > 8 * WINDOW) bit = write(part, [first, second], into, bit);
        else {
          const from = Math.floor(bit / 8);
          bytes(out, 1)[0] = into[from]!;
          const numBits = wasm.riceEncode(at, part.length, first, second, out, bit % 8);
          into.set(bytes(out, Math.ceil(numBits / 8)), from);
          bit = 8 * from + numBits;
        }
      }
    },

    riceDecode(all, count, code) {
      const [at, stateAt, out] = place(WINDOW + BEHIND, 16, 4 * PART);
      const numbers = new Uint32Array(count);
      let reached: Reached = { bit: 0, least: 0, numRead: 0 };
      while (reached.numRead < count) {
        const { bit, least, numRead } = reached;
        const from = Math.floor(bit / 8);
        const window = all.subarray(from, from + WINDOW);
        bytes(at, window.length).set(window);
        const state = words(stateAt, 4);
        state.set([bit % 8, 0, least, Math.floor(least / 2 ** 32)]);
        const wanted = Math.min(count - numRead, PART);
        const [p, q] = turned(code.parameters, numRead);
        const [s, t] = turned(code.steps, numRead);
        const more = wasm.riceDecode(at, 8 * window.length, wanted, p, q, s, t, code.length, stateAt, out);
        numbers.set(words(out, more), numRead);
        reached = {
          bit: 8 * from + state[0]!,
          least: state[2]! + state[3]! * 2 ** 32,
          numRead: numRead + more,
        };
        if (more === wanted) continue;
        if (from + window.length === all.length) break;
        if (more > 0) continue;
        // it cannot be read, or is longer than a window
        const one = read(all, reached, code, numbers.subarray(0, numRead + 1));
        if (one.numRead === numRead) break;
        reached = one;
      }
      return { numbers: numbers.subarray(0, reached.numRead), numBits: reached.bit };
    },
  };
}
