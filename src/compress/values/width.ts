import type { ValuesSpec } from "./coder.ts";

/** The most bits that one value takes: entropy coders are used where they are shorter. */
export function valueBits(values: ValuesSpec): number {
  if (values === "float32") return 32;
  if (values === "float16" || values === "bfloat16") return 16;
  if (values === "ternary" || values === "sign") return 1;
  if ("uniform" in values) return values.uniform;
  if ("qsgd" in values) return widthOf(2 * values.qsgd);
  if ("codebook" in values) return widthOf(values.codebook - 1);
  if ("levels" in values) return values.levels === 2 ? 2 : 3;
  return values.eden + 32 / EDEN_BLOCK;
}

/** Of a long vector, one scale for so many values. */
const EDEN_BLOCK = 2 ** 16;

const widthOf = (largest: number): number => 32 - Math.clz32(largest);
