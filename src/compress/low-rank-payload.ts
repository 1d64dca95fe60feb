import type { CodecSpec } from "../model/protocol.ts";
import { type LowRank, powerFactors, product } from "./low-rank.ts";
import { type Encoded, writeWhole } from "./payload.ts";
import { lowRankCoded } from "./positions.ts";
import type { QuantizeOptions } from "./values/coder.ts";
import { MAX_FLOAT32 } from "./values/scale.ts";
import { valueCoder } from "./values.ts";

/**
 * The vector as a matrix, by two factors: scaled until their product, once quantized, takes something off the vector and
 * stays within the bound; null when it never does.
 */
export function encodeLowRank(
  spec: CodecSpec["values"],
  vector: Float32Array,
  shape: LowRank,
  { seed, feedback, bound }: QuantizeOptions,
): Encoded | null {
  const { length } = vector;
  let factors = powerFactors(vector, shape, seed);
  for (let attempt = 0; attempt < 4 && factors.every(Number.isFinite); attempt++) {
    const quantized = valueCoder(spec).quantize(factors, { seed, feedback, bound: MAX_FLOAT32 });
    const sent = product(quantized.values, shape);
    let [square, along, largest] = [0, 0, 0];
    for (let i = 0; i < length; i++) {
      square += sent[i]! * sent[i]!;
      along += sent[i]! * vector[i]!;
      largest = Math.max(largest, Math.abs(sent[i]!));
    }
    // |v - s|² <= |v|² exactly when |s|² <= 2 <v, s>
    if (square > 0 && square <= 2 * along && largest <= bound)
      return {
        payload: writeWhole(spec, lowRankCoded(shape), quantized),
        sent: { length, support: null, values: sent },
      };
    const scale = Math.min(along / square, (bound / largest) * (1 - 2 ** -8));
    if (!(scale > 0)) break;
    factors = factors.map((v, i) => (i < shape.rows * shape.rank ? v * scale : v));
  }
  return null;
}
