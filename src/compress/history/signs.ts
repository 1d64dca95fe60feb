import type { BinContexts, RangeDecoder, RangeEncoder } from "../../kernels/range-coder.ts";
import type { Positions } from "../../model/tensor.ts";

/**
 * Signs by those that a prior expects: of every position a bin, 1 when its sign is another (with nothing to expect: a minus),
 * in one context for each confidence. `minus` has a 1 for each position whose value is negative.
 */
export function encodeSigns(
  encoder: RangeEncoder,
  support: Positions,
  minus: Uint8Array,
  expected: Uint8Array,
): void {
  const contexts = signContexts();
  for (let i = 0; i < support.length; i++) {
    const sign = expected[support[i]!]!;
    encoder.encode(minus[i]! ^ isMinus(sign), contexts, confidenceOf(sign));
  }
}

export function decodeSigns(decoder: RangeDecoder, support: Positions, expected: Uint8Array): Uint8Array {
  const contexts = signContexts();
  const minus = new Uint8Array(support.length);
  for (let i = 0; i < support.length; i++) {
    const sign = expected[support[i]!]!;
    minus[i] = decoder.decode(contexts, confidenceOf(sign)) ^ isMinus(sign);
  }
  return minus;
}

const confidenceOf = (sign: number): number => (sign + 1) >> 1;

const isMinus = (sign: number): number => (sign > 0 && sign % 2 === 0 ? 1 : 0);

/** By confidence how often, in 32, a sign is another at first: a message of some hundred signs has no time to learn it. */
const FIRST = [16, 16, 13, 5];
/** As if so many had been seen. */
const SEEN = 8;

const signContexts = (): BinContexts => ({
  ones: Uint32Array.from(FIRST, (share) => share * 2 ** 26),
  seen: new Uint16Array(FIRST.length).fill(SEEN),
});
