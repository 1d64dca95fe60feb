import { WireError } from "../../model/error.ts";
import type { BitReader, BitWriter } from "../bits.ts";

/** Rice's code (1979) of a number: its high part in unary, then its low `parameter` bits as they are. */
export function writeRice(writer: BitWriter, n: number, parameter: number): void {
  writer.unary(n >>> parameter);
  writer.write(n & ((1 << parameter) - 1), parameter);
}

/** A number of at most `limit`, `bad-positions` above: a run of zeros is never followed beyond what is possible. */
export function readRice(reader: BitReader, parameter: number, limit: number, place: string): number {
  const high = reader.unary(Math.max(0, limit) >>> parameter);
  const n = high * 2 ** parameter + reader.read(parameter);
  if (n > limit)
    throw new WireError("bad-positions", place, `a gap or run of ${n}, at most ${limit} are left`);
  return n;
}

export const MAX_PARAMETER = 24;

/**
 * The parameter with the least bits. The high parts shrink by ever less as the parameter grows, so the cost is
 * convex in it and the first rise ends the search.
 */
export function bestRice(numbers: Uint32Array): { readonly parameter: number; readonly bits: number } {
  let parameter = 0;
  let bits = costOf(numbers, 0);
  for (; parameter < MAX_PARAMETER; parameter++) {
    const more = costOf(numbers, parameter + 1);
    if (more >= bits) break;
    bits = more;
  }
  return { parameter, bits };
}

function costOf(numbers: Uint32Array, parameter: number): number {
  let bits = numbers.length * (1 + parameter);
  for (const n of numbers) bits += n >>> parameter;
  return bits;
}
