import { z } from "zod";
import { count, either, positive, share, size } from "./fields.ts";

const rateDistortion = z
  .literal(true)
  .exactOptional()
  .describe("What is largest for its bits, where a history tells coordinates apart");

const codec = z.strictObject({
  select: either(
    [
      z.literal("all"),
      z.strictObject({
        topK: share.describe("The fraction of largest magnitudes"),
        rateDistortion,
      }),
      z.strictObject({
        budget: either(
          [
            z.strictObject({
              bytesPerRound: size
                .refine((bytes) => bytes >= 256 && bytes < 2 ** 31, { error: "a size of 256B to below 2GiB" })
                .describe("Of a frame"),
            }),
            z.strictObject({
              secondsPerRound: positive
                .max(86_400)
                .describe("Of an upload, at the rate of the client's link"),
            }),
          ],
          "{ bytesPerRound: size } of 256B to below 2GiB, or { secondsPerRound: seconds } above 0, at most 86400",
        ).describe("What a frame may take, all rules with a budget together"),
        rateDistortion,
      }),
      z.strictObject({ threshold: positive.describe("The magnitude from which on a coordinate is sent") }),
      z.strictObject({ randomK: share.describe("The fraction that is drawn at random") }),
      z.strictObject({
        blocks: z
          .strictObject({ keep: count.max(23), of: count.min(2).max(24) })
          .refine(({ keep, of }) => keep < of, { error: "keep below of" })
          .describe("The largest of every so many coordinates in a row"),
      }),
      z.strictObject({ lowRank: count.max(32).describe("Columns of the two factors of one matrix") }),
      z.strictObject({
        rows: share.describe("The fraction that whole rows, of all axes but the last, make up"),
      }),
      z.strictObject({
        filters: share.describe("The fraction that whole columns, of the last axis, make up"),
      }),
    ],
    "all, { topK: density }, { budget: { bytesPerRound } }, { budget: { secondsPerRound } }, { randomK: density }, { rows: density } or { filters: density } with 0 < density <= 1, " +
      "{ threshold: magnitude } above 0, { blocks: { keep, of } } with 1 <= keep < of <= 24, or " +
      "{ lowRank: columns } of 1 to 32",
  )
    .default("all")
    .describe("Which coordinates are sent"),
  values: either(
    [
      z.enum(["float32", "float16", "bfloat16", "ternary", "sign"]),
      z.strictObject({
        uniform: count.max(8).describe("Bits a value"),
        rounding: z.literal("stochastic").exactOptional().describe("To the nearest level if left out"),
      }),
      z.strictObject({ qsgd: count.max(32767).describe("Levels of a magnitude") }),
      z.strictObject({ codebook: z.int().min(2).max(256).describe("Centroids, by k-means") }),
      z.strictObject({
        levels: either([z.literal("auto"), z.int().min(2).max(3)], "2, 3 or auto").describe(
          "Magnitudes, by Lloyd-Max; auto: of 1 to 3 what pays in each message",
        ),
      }),
      z.strictObject({ eden: count.max(4).describe("Bits a value, after a random rotation") }),
    ],
    "float32, float16, bfloat16, ternary, sign, { uniform: bits } with 1 <= bits <= 8 (and rounding: stochastic), " +
      "{ qsgd: levels } of 1 to 32767, { codebook: centroids } of 2 to 256, { levels: 2, 3 or auto }, or " +
      "{ eden: bits } with 1 <= bits <= 4",
  ).describe("How their values are coded"),
});

/** An ordered list of rules: tensors by name, their codec, error feedback. */
export const plan = (expected: string) =>
  z
    .array(
      z.strictObject({
        tensors: z.string().min(1).describe("A tensor's name; * stands for any run of characters"),
        codec,
        errorFeedback: z.boolean().default(false).describe("Keep what was left out and send it later"),
        history: z
          .literal(true)
          .exactOptional()
          .describe("Code positions by what was broadcast before; with select topK, budget or threshold"),
      }),
      { error: () => expected },
    )
    .min(1);
