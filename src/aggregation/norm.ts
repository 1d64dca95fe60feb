import type { UpdateMessage } from "../model/message.ts";
import type { Params } from "../model/tensor.ts";

/** The Euclidean norm of an update's delta over all tensors, in float64 from the first tensor's first value on. */
export function normOf({ tensors }: Pick<UpdateMessage, "tensors">): number {
  let squares = 0;
  for (const { delta } of tensors.values()) for (const value of delta.values) squares += value * value;
  return Math.sqrt(squares);
}

/** The Euclidean norm of a model. */
export function paramsNorm(params: Params): number {
  let squares = 0;
  for (const { data } of params.values()) for (const value of data) squares += value * value;
  return Math.sqrt(squares);
}
