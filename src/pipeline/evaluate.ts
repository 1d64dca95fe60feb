import type { Dataset } from "../model/dataset.ts";
import type { Params } from "../model/tensor.ts";
import type { Metrics, Trainer } from "../trainer/trainer.ts";

/** Measures models of one architecture on the test split; null for a coordinator without data. */
export function evaluator(
  trainer: Trainer,
  architecture: string,
  test: Dataset | null,
): (params: Params, signal: AbortSignal) => Promise<Metrics | null> {
  return async (params, signal) =>
    test === null ? null : trainer.evaluate({ architecture, params, dataset: test }, signal);
}
