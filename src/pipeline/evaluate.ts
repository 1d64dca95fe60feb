import type { Dataset } from "../model/dataset.ts";
import { manifestOf, numParams } from "../model/manifest.ts";
import type { Params } from "../model/tensor.ts";
import { narrowParams } from "../trainer/submodels.ts";
import type { Metrics, Trainer } from "../trainer/trainer.ts";
import { widthName } from "../trainer/width.ts";

/** Measures models of one architecture on the test split; null for a coordinator without data. */
export function evaluator(
  trainer: Trainer,
  architecture: string,
  test: Dataset | null,
): (params: Params, signal: AbortSignal) => Promise<Metrics | null> {
  return async (params, signal) =>
    test === null ? null : trainer.evaluate({ architecture, params, dataset: test }, signal);
}

/** A narrow version of a model, as a weak device would use it. */
export interface WidthFigures {
  readonly width: number;
  readonly numParams: number;
  /** On the test split. */
  readonly accuracy: number;
}

/** Measures every width of a model, one after the other. */
export async function measureWidths(
  trainer: Trainer,
  { zoo, widths, params, test }: { zoo: string; widths: readonly number[]; params: Params; test: Dataset },
  signal: AbortSignal,
): Promise<readonly WidthFigures[]> {
  const figures: WidthFigures[] = [];
  for (const width of widths) {
    const narrow = narrowParams(zoo, width, params);
    const task = { architecture: widthName(zoo, width), params: narrow, dataset: test };
    const { accuracy } = await trainer.evaluate(task, signal);
    figures.push({ width, numParams: numParams(manifestOf(narrow)), accuracy });
  }
  return figures;
}
