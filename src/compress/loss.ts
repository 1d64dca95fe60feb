import type { CodecSpec } from "../model/protocol.ts";
import type { Loss } from "./values/coder.ts";
import { valueCoder } from "./values.ts";

/**
 * What a codec costs in precision, all in all. With feedback never "unbiased": an unbiased code's noise would make the
 * residual grow without bound, so that scales are then those of least error and random positions are sent unscaled.
 * Null is what cannot be: random coordinates scaled up to be right in the mean, which their values' code then is not.
 */
export function lossOf({ select, values }: CodecSpec, feedback: boolean): Loss | null {
  const ofValues = valueCoder(values).loses;
  if (select === "all") return feedback && ofValues === "unbiased" ? "contraction" : ofValues;
  if (feedback || "lowRank" in select) return "contraction";
  if ("randomK" in select) return ofValues === "contraction" ? null : "unbiased";
  return ofValues === "unbiased" ? "unbiased" : "contraction";
}
