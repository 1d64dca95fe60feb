import type { ConfigProblem } from "../../model/error.ts";
import type { Config } from "./config.ts";

/** What cannot go together with strategies that look at the local steps behind a delta. */
export function stepProblems(config: Config): ConfigProblem[] {
  const { strategy } = config.aggregation;
  const unless = (holds: boolean, path: string, value: unknown, expected: string): ConfigProblem[] =>
    holds ? [] : [{ path, value, expected: `${expected} with strategy ${strategy}` }];

  // Steps are comparable only where each reaches as far as the others do.
  const { optimizer, schedule, proximal, clipNorm, updateClipNorm } = config.train;
  const ofSteps = () => [
    ...unless("sgd" in optimizer, "train.optimizer", optimizer, "sgd"),
    ...unless(schedule === undefined, "train.schedule", schedule, "no schedule"),
    ...unless(proximal === undefined, "train.proximal", proximal, "no proximal term"),
  ];
  // A control variate is read off a delta: it has to be the sum of the gradients, of the model that its variate is of.
  const { cohort, aggregation, masks, widths } = config;
  const ofControls = () => [
    ...unless(clipNorm === undefined, "train.clipNorm", clipNorm, "no clipping"),
    ...unless(updateClipNorm === undefined, "train.updateClipNorm", updateClipNorm, "no clipping"),
    ...unless(aggregation.clipNorm === null, "aggregation.clipNorm", aggregation.clipNorm, "null"),
    ...unless(cohort.maxStaleness === 0, "cohort.maxStaleness", cohort.maxStaleness, "0"),
    ...unless(aggregation.maskPolicy === "union", "aggregation.maskPolicy", aggregation.maskPolicy, "union"),
    ...unless(masks.uncovered === "keep", "masks.uncovered", masks.uncovered, "keep"),
    ...unless(masks.regrow === null, "masks.regrow", masks.regrow, "null"),
    ...unless(
      widths.every((width) => width === 1),
      "widths",
      widths,
      "[1]",
    ),
  ];
  if (strategy === "fednova") return ofSteps();
  return strategy === "scaffold" ? [...ofSteps(), ...ofControls()] : [];
}
