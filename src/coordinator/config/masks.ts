import { z } from "zod";
import { count, either, share, size } from "./fields.ts";

/** The parts of the config about who owns what of the model. */

const budget = z.strictObject({
  density: share.describe("Of all coordinates of tensors with two or more dimensions; others stay whole"),
  layers: z.enum(["erk", "uniform"]).default("erk").describe("How that is dealt out to the layers"),
  by: z.enum(["votes", "magnitude", "votes-by-magnitude"]).default("votes-by-magnitude"),
});

export const maskPolicy = either(
  [z.enum(["union", "intersection"]), z.strictObject({ majority: share }), z.strictObject({ budget })],
  "union, intersection, { majority: share } or { budget: { density, layers, by } }",
);

export const masks = z.strictObject({
  everyRounds: count.default(1).describe("Versions from one decision of aggregation.maskPolicy to the next"),
  uncovered: either(
    [z.literal("keep"), z.strictObject({ dropAfter: count.max(65_535) })],
    "keep, or { dropAfter: rounds }",
  )
    .default("keep")
    .describe("What becomes of coordinates that nobody owns"),
  maxDrift: share
    .nullable()
    .default(null)
    .describe("Share of a tensor that may come and that may leave at a decision"),
  regrow: z
    .number()
    .gt(0)
    .lt(1)
    .nullable()
    .default(null)
    .describe(
      "Share of a mask exchanged at a decision, less and less by half a cosine; clients then train everything",
    ),
});

/** As many digits as an architecture's name has room for. */
const width = share.refine((n) => /^(1|0\.\d{1,6})$/.test(String(n)), { error: "1, or at most 6 digits" });

export const widths = z
  .array(width)
  .min(1)
  .max(16)
  .refine((list) => new Set(list).size === list.length, { error: "no width twice" })
  .default([1])
  .describe("Shares of every layer's outputs that clients are given, by their memory and link");

export const fleet = z
  .array(
    z.strictObject({
      share: share.describe("Of the clients"),
      width: width.exactOptional().describe("Their memory is just enough for this one of the widths"),
      memory: size.exactOptional().describe("Memory to train in"),
      uplink: size.exactOptional().describe("Bytes a second"),
    }),
  )
  .max(64)
  .refine((kinds) => kinds.reduce((sum, kind) => sum + kind.share, 0) <= 1 + 1e-9, {
    error: "shares of at most 1 together",
  })
  .default([])
  .describe("simulate only: what devices say of themselves; those without a share of it nothing");
