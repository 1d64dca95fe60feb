import type { Dataset } from "../model/dataset.ts";
import { ConfigError, type ConfigProblem } from "../model/error.ts";
import { sizeOf } from "../model/tensor.ts";
import { type Architecture, layerTensors } from "./layers.ts";
import type { EvaluateTask, TrainTask } from "./trainer.ts";

/** Throws ConfigError when a task does not fit its architecture: kernels trust every size and every label. */
export function checkTask(task: EvaluateTask | TrainTask, architecture: Architecture): void {
  const problems = [...datasetProblems(task.dataset, architecture), ...paramProblems(task, architecture)];
  if ("epochs" in task) problems.push(...trainProblems(task, architecture));
  if (problems.length > 0) throw new ConfigError(problems);
}

function datasetProblems(dataset: Dataset, { name, inputShape, numClasses }: Architecture): ConfigProblem[] {
  const { inputs, labels } = dataset;
  const problems: ConfigProblem[] = [];
  const shape = inputShape.join("x");
  if (dataset.inputShape.join("x") !== shape)
    problems.push({
      path: "data.inputShape",
      value: dataset.inputShape,
      expected: `${shape}, which ${name} takes`,
    });
  if (labels.length === 0) problems.push({ path: "data.labels", value: 0, expected: "at least one example" });
  const numInputs = labels.length * sizeOf(inputShape);
  if (inputs.length !== numInputs)
    problems.push({ path: "data.inputs", value: inputs.length, expected: `${numInputs} values` });
  const odd = labels.find((label) => !(label >= 0 && label < numClasses));
  if (odd !== undefined)
    problems.push({
      path: "data.labels",
      value: odd,
      expected: `0 to ${numClasses - 1}, as ${name} tells apart`,
    });
  return problems;
}

function paramProblems({ params }: EvaluateTask, architecture: Architecture): ConfigProblem[] {
  return layerTensors(architecture).flatMap(({ name, shape }) => {
    const found = params.get(name)?.data.length;
    return found === sizeOf(shape)
      ? []
      : [{ path: `params.${name}`, value: found, expected: `${shape.join("x")} values` }];
  });
}

function trainProblems(task: TrainTask, architecture: Architecture): ConfigProblem[] {
  const { epochs, batchSize, soft, masks, dataset } = task;
  const problems: ConfigProblem[] = [];
  const positive = (path: string, value: number): void => {
    if (!Number.isInteger(value) || value < 1) problems.push({ path, value, expected: "a positive integer" });
  };
  positive("train.epochs", epochs);
  positive("train.batchSize", batchSize);
  if (soft !== undefined) {
    const numLogits = dataset.labels.length * architecture.numClasses;
    if (soft.logits.length !== numLogits)
      problems.push({ path: "soft.logits", value: soft.logits.length, expected: `${numLogits} values` });
    if (!(soft.temperature > 0))
      problems.push({ path: "soft.temperature", value: soft.temperature, expected: "above 0" });
    if (!(soft.share >= 0 && soft.share <= 1))
      problems.push({ path: "soft.share", value: soft.share, expected: "0 to 1" });
  }
  for (const [name, mask] of masks ?? []) {
    const count = task.params.get(name)?.data.length;
    if (mask.length !== count)
      problems.push({ path: `masks.${name}`, value: mask.length, expected: `${count ?? "no"} values` });
  }
  return problems;
}
