import type { Config } from "../../../coordinator/config/config.ts";
import type { Decoded } from "./decoded.ts";
import type { RecordHead } from "./journal.ts";

/** What a report must have been weighed: by its examples up to the cap, less by its age and beyond the norm's bound. */
export function weighAgain(
  { numExamples, norm, baseVersion }: Decoded,
  version: number,
  { aggregation }: Config,
): RecordHead["weight"] {
  const { weightCap, clipNorm, stalenessExponent } = aggregation;
  const weight = 65536 * Math.min(numExamples, weightCap);
  const age = version - baseVersion;
  const fresh = age > 0 ? Math.round(weight * (1 + age) ** -stalenessExponent) : weight;
  const gain = clipNorm !== null && norm > clipNorm ? Math.round(fresh * (clipNorm / norm)) : fresh;
  return { gain, weight };
}

/** FedNova's count of a report's local steps, of those that its examples allow, in units of 1/256. */
export function unitsOfSteps({ numSteps, numExamples }: Decoded, config: Config): number {
  const { epochs, batchSize } = config.train;
  return Math.round(256 * reach(Math.min(numSteps, epochs * Math.ceil(numExamples / batchSize)), config));
}

/** How far so many steps reach under momentum, each by what it still adds to those after it. */
export function reach(numSteps: number, { train }: Config): number {
  const rho = "sgd" in train.optimizer ? train.optimizer.sgd.momentum : 0;
  let sum = 0;
  for (let k = 1; k <= numSteps; k++) sum += (1 - rho ** (numSteps - k + 1)) / (1 - rho);
  return sum;
}
