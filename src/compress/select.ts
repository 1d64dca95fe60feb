import { assert } from "../model/assert.ts";
import type { Positions } from "../model/tensor.ts";

/** How many coordinates a density keeps of `length`: rounded half up, at least one. */
export const countOfDensity = (density: number, length: number): number =>
  Math.max(1, Math.floor(density * length + 0.5));

/**
 * The `count` coordinates of largest magnitude, ascending; of equals, those that come first. Zeros are never among
 * them, so there may be fewer. Exact and O(n): the bits of |v| order like |v| itself, and three histograms over
 * them, 11 + 10 + 10 bits, find the smallest magnitude that is still in.
 */
export function topK(vector: Float32Array, count: number): Positions {
  assert(count >= 1, "top-k keeps at least one");
  const bits = new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
  const { threshold, numAbove } = smallestKept(bits, count);
  const floor = Math.max(threshold, 1);

  let ties = threshold === 0 ? 0 : count - numAbove; // as many of the equals as still fit
  const positions = new Uint32Array(Math.min(count, vector.length));
  let n = 0;
  for (let i = 0; i < bits.length; i++) {
    const magnitude = bits[i]! & 0x7fffffff;
    if (magnitude < floor) continue;
    if (magnitude === threshold && ties-- <= 0) continue;
    positions[n++] = i;
  }
  return positions.slice(0, n);
}

/** The bits of the count-th largest magnitude, and how many are strictly larger. */
function smallestKept(bits: Uint32Array, count: number): { threshold: number; numAbove: number } {
  let threshold = 0;
  let numAbove = 0;
  let known = 0; // mask of the bits of the threshold that are known
  for (const { shift, width } of DIGITS) {
    const histogram = new Uint32Array(1 << width);
    const low = (1 << width) - 1;
    for (let i = 0; i < bits.length; i++) {
      const magnitude = bits[i]! & 0x7fffffff;
      if ((magnitude & known) === threshold) histogram[(magnitude >>> shift) & low]!++;
    }
    let digit = low;
    while (digit > 0 && numAbove + histogram[digit]! < count) numAbove += histogram[digit--]!;
    threshold |= digit << shift;
    known |= low << shift;
  }
  return { threshold, numAbove };
}

const DIGITS = [
  { shift: 20, width: 11 },
  { shift: 10, width: 10 },
  { shift: 0, width: 10 },
] as const;
