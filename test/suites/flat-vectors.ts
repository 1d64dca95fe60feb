import { createHash } from "node:crypto";
import { derive, gaussian, type Rng } from "../../src/model/rng.ts";

/** A number from 0 to below 1. */
export type Draw = () => number;

const kinds = {
  random: gaussian,
  constant: () => -0.3,
  tied: (rng: Rng) => Math.round(6 * rng.uniform() - 3) / 4,
  subnormal: (rng: Rng) => (rng.below(9) - 4) * 2 ** -149,
  huge: (rng: Rng) => (2 * rng.uniform() - 1) * (2 ** 128 - 2 ** 104),
  zero: (rng: Rng) => (rng.below(2) === 0 ? 0 : -0),
  sparse: (rng: Rng) => (rng.below(20) === 0 ? rng.uniform() - 0.5 : rng.below(2) === 0 ? 0 : -0),
  "any finite": anyFinite,
} as const;

/** Vectors that one kind of magnitude fills: what a codec must code alike, by whichever kernel. */
export const kindsOfVectors = Object.keys(kinds) as readonly (keyof typeof kinds)[];

export function fillings(kind: keyof typeof kinds) {
  const rng = derive(17, kind);
  const draw: Draw = rng.uniform;
  return {
    draw,
    fill: (length: number): Float32Array => Float32Array.from({ length }, () => kinds[kind](rng)),
  };
}

/** A digest of the bytes of every array, in a record too; other values as they are. */
export function digestsOf(result: unknown): unknown {
  if (ArrayBuffer.isView(result)) {
    const bytes = new Uint8Array(result.buffer, result.byteOffset, result.byteLength);
    return createHash("sha256").update(bytes).digest("hex");
  }
  if (typeof result !== "object" || result === null) return result;
  return Object.fromEntries(Object.entries(result).map(([key, value]) => [key, digestsOf(value)]));
}

const word = new Uint32Array(1);
const single = new Float32Array(word.buffer);

function anyFinite(rng: Rng): number {
  do word[0] = rng.uint32();
  while (!Number.isFinite(single[0]));
  return single[0]!;
}
