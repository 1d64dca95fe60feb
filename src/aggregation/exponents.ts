import { WireError } from "../model/error.ts";
import type { Manifest } from "../model/manifest.ts";
import type { UpdateMessage } from "../model/message.ts";
import type { Exponents } from "../model/protocol.ts";
import { measuresOf, normFrom } from "./norm.ts";

/** The bound of a first round, 2^3: far above what local training moves a weight. */
export const FIRST_EXPONENT = 3;

/** A bound never grows beyond 2^10, or a single client could make the grid so coarse that nobody else is seen. */
const LARGEST_EXPONENT = 10;
const SMALLEST_EXPONENT = -100;
/** 8 times the largest |delta| of the round before. */
const HEADROOM_BITS = 3;

const bits = new DataView(new ArrayBuffer(8));

/** The smallest integer that is no less than log2 of a positive number. */
export function ceilLog2(value: number): number {
  bits.setFloat64(0, value);
  const exponent = (bits.getUint32(0) >>> 20) - 1023;
  return 2 ** exponent < value ? exponent + 1 : exponent;
}

/**
 * The largest |delta| of every tensor, in the manifest's order, and the norm. Throws `out-of-range` when a delta lies
 * beyond its bound; the client should have clamped it and kept the excess in its residual.
 */
export function measureDeltas(
  update: UpdateMessage,
  manifest: Manifest,
  exponents: Exponents,
): { readonly largest: readonly number[]; readonly norm: number } {
  const measures = measuresOf(update);
  const largest = manifest.tensors.map(({ name }, i) => {
    const bound = 2 ** exponents[i]!;
    const { largest } = measures.get(name)!;
    if (largest <= bound) return largest;
    const beyond = update.tensors.get(name)!.delta.values.find((v) => !(Math.abs(v) <= bound));
    throw new WireError("out-of-range", name, `|${beyond}| exceeds ${bound}`);
  });
  return { largest, norm: normFrom(measures) };
}

/**
 * The bounds of the next round: of every group of tensors, given by their places in the manifest, 8 times the largest
 * |delta| among the updates of the round that was committed; as before where that is zero.
 */
export function nextExponents(
  exponents: Exponents,
  largest: readonly number[],
  groups: readonly (readonly number[])[],
): Exponents {
  const next = [...exponents];
  for (const group of groups) {
    const most = Math.max(...group.map((i) => largest[i]!));
    if (most === 0) continue;
    const exponent = Math.min(LARGEST_EXPONENT, Math.max(SMALLEST_EXPONENT, ceilLog2(most) + HEADROOM_BITS));
    for (const i of group) next[i] = exponent;
  }
  return next;
}
