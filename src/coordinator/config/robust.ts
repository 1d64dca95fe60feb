import { z } from "zod";
import { type AggregationSettings, robustRule } from "../../aggregation/strategy.ts";
import type { ConfigProblem } from "../../model/error.ts";
import { count, either, positive, share } from "./fields.ts";

/** What of the aggregation section is about hostile clients. */
export const robust = {
  attackers: either(
    [z.int().min(0), z.strictObject({ share: z.number().min(0).lt(0.5) })],
    "a number of clients, or { share: of the goal } with 0 <= share < 0.5",
  )
    .default({ share: 0.2 })
    .describe("How many of a round's reports may be hostile: what robust strategies allow for"),
  centeredClipping: z
    .strictObject({
      radius: either([z.literal("auto"), positive], "auto, or a norm above 0")
        .default("auto")
        .describe("How far one client can pull; auto: the median distance of the round's updates"),
      iterations: count
        .max(3)
        .default(3)
        .describe("Passes from the last round's aggregate towards where all pulls are in balance"),
      cutoff: z
        .number()
        .min(2)
        .nullable()
        .default(4)
        .describe(
          "Updates so many median distances away count for nothing, from half of that on less; null: all count",
        ),
    })
    .prefault({})
    .describe("Of strategy centered-clipping"),
  gates: z
    .strictObject({
      normFactor: z
        .number()
        .gt(1)
        .nullable()
        .default(10)
        .describe("Updates are refused that are so many times longer than the usual one; null: none is"),
    })
    .prefault({}),
};

/** Hostile clients of a simulation. */
export const attack = z.strictObject({
  share: share.describe("Of all clients"),
  kind: z
    .enum(["sign-flip", "large-norm"])
    .describe("The opposite of what was learned, or a random direction"),
  factor: positive
    .exactOptional()
    .describe("How many times as long as what was learned: 5 if left out, or 100 with large-norm"),
});

type Robust = Omit<AggregationSettings, "serverOptimizer" | "attackers"> & {
  readonly attackers: number | { readonly share: number };
};

interface Cohort {
  readonly goal: number;
  readonly minimum?: number | undefined;
  readonly maxStaleness: number;
}

export const numAttackers = (attackers: Robust["attackers"], goal: number): number =>
  typeof attackers === "number" ? attackers : Math.floor(attackers.share * goal + 1e-9);

/** A round may close with the minimum: that many must be enough for the strategy, whoever is hostile. */
export function robustProblems(settings: Robust, cohort: Cohort): readonly ConfigProblem[] {
  const { goal, minimum = goal, maxStaleness } = cohort;
  const rule = robustRule(settings);
  if (rule === null) return [];
  const problems: ConfigProblem[] = [];
  const attackers = numAttackers(settings.attackers, goal);
  const fewest = rule.fewest(attackers);
  if (fewest > minimum)
    problems.push({
      path: "cohort.minimum",
      value: minimum,
      expected: `at least ${fewest} for ${settings.strategy} with ${attackers} hostile of a round's reports (aggregation.attackers)`,
    });
  if (maxStaleness > 0)
    problems.push({
      path: "cohort.maxStaleness",
      value: maxStaleness,
      expected: `0 with ${settings.strategy}, for which every client counts the same`,
    });
  if (settings.clipNorm !== null)
    problems.push({
      path: "aggregation.clipNorm",
      value: settings.clipNorm,
      expected: `null with ${settings.strategy}, which takes updates as they are`,
    });
  return problems;
}
