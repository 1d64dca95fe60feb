import { z } from "zod";
import { parseDuration, parseSize } from "./units.ts";

/** Kinds of fields that the config file has in many places. */

export const either = <T extends readonly [z.ZodType, z.ZodType, ...z.ZodType[]]>(
  options: T,
  expected: string,
) => z.union(options, { error: () => expected });

export const size = z
  .union([z.string(), z.number()], { error: () => "a size such as 64MiB or a number of bytes" })
  .transform((text, context) => {
    const bytes = parseSize(text);
    if (bytes !== null) return bytes;
    context.addIssue({ code: "custom", message: "a size such as 64MiB or a number of bytes" });
    return z.NEVER;
  });

export const duration = z
  .union([z.string(), z.number()], { error: () => "a duration such as 60s, 5m or a number of milliseconds" })
  .transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== null && ms > 0 && ms <= 2 ** 31 - 1) return ms;
    context.addIssue({ code: "custom", message: "a duration such as 60s, 5m or a number of milliseconds" });
    return z.NEVER;
  });

export const share = z.number().gt(0).max(1);
export const positive = z.number().positive();
export const count = z.int().positive();
