import { codecKernels } from "../kernels/codec.ts";
import type { Measure } from "../kernels/codec-measure.ts";
import { numValues, type Values } from "../kernels/packed.ts";
import type { UpdateMessage } from "../model/message.ts";
import type { Params } from "../model/tensor.ts";

/** Of every tensor of an update the largest |delta| and the sum of squares. */
export type Measures = ReadonlyMap<string, Measure>;

export const measuresOf = ({ tensors }: Pick<UpdateMessage, "tensors">): Measures =>
  new Map(Array.from(tensors, ([name, { delta }]) => [name, measureOf(delta.packed ?? delta.values)]));

const measureOf = (values: Values): Measure => codecKernels(numValues(values)).measure(values);

/** The Euclidean norm over all tensors, whose sums are added in their order. */
export function normFrom(measures: Measures): number {
  let squares = 0;
  for (const measure of measures.values()) squares += measure.squares;
  return Math.sqrt(squares);
}

/** That of an update's delta. */
export const normOf = (update: Pick<UpdateMessage, "tensors">): number => normFrom(measuresOf(update));

/** The Euclidean norm of a model. */
export function paramsNorm(params: Params): number {
  let squares = 0;
  for (const { data } of params.values()) for (const value of data) squares += value * value;
  return Math.sqrt(squares);
}
