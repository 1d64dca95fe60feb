import { bitwiseKernels, codecKernels } from "../../kernels/codec.ts";
import type { Pair, RisingCode } from "../../kernels/codec-rice.ts";
import { WireError } from "../../model/error.ts";
import type { BitReader } from "../bits.ts";

export const MAX_PARAMETER = 24;

/**
 * The parameter with the least bits for numbers whose sum is below 2^32; of equals, the lowest. The high parts shrink by
 * ever less as the parameter grows, so the cost is convex in it: downhill from about the mean's size is the way there.
 */
export function bestRice(numbers: Uint32Array): { readonly parameter: number; readonly bits: number } {
  const { sumShifted } = codecKernels(numbers.length);
  const costOf = (r: number): number =>
    r < 0 || r > MAX_PARAMETER ? Infinity : numbers.length * (1 + r) + sumShifted(numbers, r);
  const mean = sumShifted(numbers, 0) / Math.max(1, numbers.length);
  let parameter = Math.min(MAX_PARAMETER, 31 - Math.clz32(Math.max(1, mean)));
  let bits = costOf(parameter);
  let lower = costOf(parameter - 1);
  if (lower <= bits)
    for (; lower <= bits; lower = costOf(parameter - 1)) {
      parameter--;
      bits = lower;
    }
  else
    for (let higher = costOf(parameter + 1); higher < bits; higher = costOf(parameter + 1)) {
      parameter++;
      bits = higher;
    }
  return { parameter, bits };
}

/** The bytes of `bits` bits that these numbers take. */
export function riceBytes(numbers: Uint32Array, parameters: Pair, bits: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(bits / 8));
  bitwiseKernels(numbers.length).riceEncode(numbers, parameters, bytes);
  return bytes;
}

/** `count` rising numbers; `truncated` when they do not end, `bad-positions` when one is not below the code's length. */
export function readRising(reader: BitReader, count: number, code: RisingCode, place: string): Uint32Array {
  const { numbers, numBits } = bitwiseKernels(count).riceDecode(reader.ahead(), count, code);
  reader.skip(numBits);
  if (numbers.length === count) return numbers;
  const all = new Uint32Array(count);
  all.set(numbers);
  // The rest is not there, or in the bits that do not fill a byte.
  for (let i = numbers.length; i < count; i++) {
    const turn = i % 2;
    const least = i === 0 ? 0 : all[i - 1]! + code.steps[1 - turn]!;
    all[i] = least + readRice(reader, code.parameters[turn]!, code.length - 1 - least, place);
  }
  return all;
}

/** A number of at most `limit`, `bad-positions` above: a run of zeros is never followed beyond what is possible. */
function readRice(reader: BitReader, parameter: number, limit: number, place: string): number {
  const high = reader.unary(Math.max(0, limit) >>> parameter);
  const n = high * 2 ** parameter + reader.read(parameter);
  if (n > limit)
    throw new WireError("bad-positions", place, `a gap or run of ${n}, at most ${limit} are left`);
  return n;
}
