import type { Budget__Output } from "../generated/fedpress/v1/Budget.ts";
import type { Codec__Output } from "../generated/fedpress/v1/Codec.ts";
import type { CodecSpec } from "../model/protocol.ts";
import { bad, integer, oneOf, present, real } from "../wire/link-fields.ts";

/** A plan rule's codec as the link carries it; throws WireError `bad-field` with the field's name. */
export const decodeCodec = (fields: Codec__Output, place: string): CodecSpec => ({
  select: decodeSelect(fields, place),
  values: decodeValues(fields, place),
});

function decodeSelect(fields: Codec__Output, place: string): CodecSpec["select"] {
  const { topK, topKByRate, budget, threshold, randomK, blocks, lowRank, rows, filters } = fields;
  const density = (value: number, field: string): number =>
    real(value, `${place}.${field}`, (v) => v > 0 && v <= 1, "above 0, at most 1");
  if (topK !== undefined) return { topK: density(topK, "top_k") };
  if (topKByRate !== undefined) return { topK: density(topKByRate, "top_k_by_rate"), rateDistortion: true };
  if (budget) return decodeBudget(budget, `${place}.budget`);
  if (threshold !== undefined)
    return { threshold: real(threshold, `${place}.threshold`, (v) => v > 0, "above 0") };
  if (randomK !== undefined) return { randomK: density(randomK, "random_k") };
  if (lowRank !== undefined) return { lowRank: integer(lowRank, `${place}.low_rank`, 1, 32) };
  if (rows !== undefined) return { rows: density(rows, "rows") };
  if (filters !== undefined) return { filters: density(filters, "filters") };
  if (!blocks) return "all";
  const of = integer(blocks.of, `${place}.blocks.of`, 2, 24);
  return { blocks: { keep: integer(blocks.keep, `${place}.blocks.keep`, 1, of - 1), of } };
}

function decodeBudget(fields: Budget__Output, place: string): CodecSpec["select"] {
  const { bytesPerRound, secondsPerRound, rateDistortion } = fields;
  const byRate = rateDistortion ? ({ rateDistortion } as const) : {};
  if (bytesPerRound !== undefined)
    return {
      budget: { bytesPerRound: integer(bytesPerRound, `${place}.bytes_per_round`, 256, 2 ** 31 - 1) },
      ...byRate,
    };
  const seconds = present(secondsPerRound, `${place}.limit`);
  const inRange = (v: number): boolean => v > 0 && v <= 86_400;
  return {
    budget: {
      secondsPerRound: real(seconds, `${place}.seconds_per_round`, inRange, "above 0, at most 86400"),
    },
    ...byRate,
  };
}

const CODERS = {
  VALUE_CODER_FLOAT32: "float32",
  VALUE_CODER_FLOAT16: "float16",
  VALUE_CODER_BFLOAT16: "bfloat16",
  VALUE_CODER_TERNARY: "ternary",
  VALUE_CODER_SIGN: "sign",
} as const;

function decodeValues(fields: Codec__Output, place: string): CodecSpec["values"] {
  const { coder, uniformBits, stochasticBits, qsgdLevels, codebook, levels, edenBits } = fields;
  const number = (value: number, field: string, low: number, high: number): number =>
    integer(value, `${place}.${field}`, low, high);
  if (coder !== undefined) return oneOf(CODERS, coder, `${place}.coder`);
  if (uniformBits !== undefined) return { uniform: number(uniformBits, "uniform_bits", 1, 8) };
  if (stochasticBits !== undefined)
    return { uniform: number(stochasticBits, "stochastic_bits", 1, 8), rounding: "stochastic" };
  if (qsgdLevels !== undefined) return { qsgd: number(qsgdLevels, "qsgd_levels", 1, 32767) };
  if (codebook !== undefined) return { codebook: number(codebook, "codebook", 2, 256) };
  if (levels !== undefined) {
    const magnitudes = number(levels, "levels", 1, 3);
    return { levels: magnitudes === 1 ? "auto" : magnitudes };
  }
  if (edenBits !== undefined) return { eden: number(edenBits, "eden_bits", 1, 4) };
  throw bad(`${place}.values`, "missing");
}
