import type { Positions } from "../../../model/tensor.ts";

/** Of every context how often a coordinate was sent, and how many there were. */
export interface ContextCounts {
  readonly sent: Float64Array;
  readonly all: Float64Array;
}

export const contextCounts = (): ContextCounts => ({
  sent: new Float64Array(NUM_CONTEXTS),
  all: new Float64Array(NUM_CONTEXTS),
});

/** Classes, and beside each every four of another. */
const NUM_CONTEXTS = 32 * 8;

/** The ideal bits of a support when every coordinate is coded by the share of its context that was sent so far. */
export function contextBits(
  { sent, all }: ContextCounts,
  contexts: Uint8Array | Uint16Array,
  support: Positions,
): number {
  const share = (support.length + 0.5) / (contexts.length + 1);
  // of a context that is new, as of all coordinates
  const shares = sent.map((n, c) => (n + 2 * share) / (all[c]! + 2));
  let bits = 0;
  for (const at of contexts) bits -= Math.log2(1 - shares[at]!);
  for (const at of support) bits += Math.log2(1 - shares[contexts[at]!]!) - Math.log2(shares[contexts[at]!]!);
  return bits;
}

export function countContexts(
  { sent, all }: ContextCounts,
  contexts: Uint8Array | Uint16Array,
  support: Positions,
): void {
  for (const context of contexts) all[context]! += 1;
  for (const at of support) sent[contexts[at]!]! += 1;
}
