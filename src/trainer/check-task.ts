import type { Dataset } from "../model/dataset.ts";
import { ConfigError, type ConfigProblem } from "../model/error.ts";
import { precisions } from "../model/protocol.ts";
import { sizeOf } from "../model/tensor.ts";
import type { Blueprint } from "./blueprint.ts";
import type { EvaluateTask, TrainTask } from "./trainer.ts";

/** Throws ConfigError when a task does not fit its architecture: kernels trust every size and every label. */
export function checkTask(task: EvaluateTask | TrainTask, architecture: Blueprint): void {
  const problems = [...datasetProblems(task.dataset, architecture), ...paramProblems(task, architecture)];
  if ("epochs" in task) problems.push(...trainProblems(task, architecture));
  if (problems.length > 0) throw new ConfigError(problems);
}

function datasetProblems(dataset: Dataset, architecture: Blueprint): ConfigProblem[] {
  const { name, inputShape, numClasses, vocabulary } = architecture;
  const { inputs, labels } = dataset;
  const problems: ConfigProblem[] = [];
  const shape = inputShape.join("x");
  if (dataset.inputShape.join("x") !== shape)
    return [
      {
        path: "data.source",
        value: `examples of ${dataset.inputShape.join("x")}`,
        expected: `examples of ${shape}, which ${name} takes`,
      },
    ];
  if (labels.length === 0) problems.push({ path: "data.labels", value: 0, expected: "at least one example" });
  const numInputs = labels.length * sizeOf(inputShape);
  if (inputs.length !== numInputs)
    problems.push({ path: "data.inputs", value: inputs.length, expected: `${numInputs} values` });
  if (vocabulary !== null) {
    const odd = inputs.find((token) => !(Number.isInteger(token) && token >= 0 && token < vocabulary));
    if (odd !== undefined)
      problems.push({
        path: "data.inputs",
        value: odd,
        expected: `tokens, integers 0 to ${vocabulary - 1}, which ${name} knows`,
      });
  }
  const odd = labels.find((label) => !(label >= 0 && label < numClasses));
  if (odd !== undefined)
    problems.push({
      path: "data.labels",
      value: odd,
      expected: `0 to ${numClasses - 1}, as ${name} tells apart`,
    });
  return problems;
}

function paramProblems({ params }: EvaluateTask, architecture: Blueprint): ConfigProblem[] {
  return architecture.tensors.flatMap(({ name, shape }) => {
    const found = params.get(name)?.data.length;
    return found === sizeOf(shape)
      ? []
      : [{ path: `params.${name}`, value: found, expected: `${shape.join("x")} values` }];
  });
}

function trainProblems(task: TrainTask, architecture: Blueprint): ConfigProblem[] {
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
  problems.push(...settingProblems(task));
  if (task.augment !== undefined && architecture.vocabulary !== null)
    problems.push({
      path: "train.augment",
      value: task.augment,
      expected: `none: ${architecture.name} takes tokens, which cannot be shifted, flipped or blurred`,
    });
  for (const [name, { data }] of task.correction ?? []) {
    const count = task.params.get(name)?.data.length;
    if (data.length !== count)
      problems.push({ path: `correction.${name}`, value: data.length, expected: `${count ?? "no"} values` });
  }
  for (const [name, mask] of masks ?? []) {
    const count = task.params.get(name)?.data.length;
    if (mask.length !== count)
      problems.push({ path: `masks.${name}`, value: mask.length, expected: `${count ?? "no"} values` });
  }
  return problems;
}

/** The options of the loop that are numbers. */
function settingProblems(task: TrainTask): ConfigProblem[] {
  const {
    proximal,
    clipNorm,
    updateClipNorm,
    weightDecay,
    labelSmoothing,
    schedule,
    augment,
    soft,
    dataset,
  } = task;
  const problems: ConfigProblem[] = [];
  const expect = (path: string, value: unknown, holds: boolean, expected: string): void => {
    if (!holds) problems.push({ path: `train.${path}`, value, expected });
  };
  const among = (value: number | undefined, low: number, high: number): boolean =>
    value === undefined || (value >= low && value <= high);
  const finite = Number.MAX_VALUE;
  expect("proximal", proximal, among(proximal, 0, finite), "0 or more");
  const { precision } = task;
  const isPrecision = precision === undefined || precisions.includes(precision);
  expect("precision", precision, isPrecision, `one of ${precisions.join(", ")}`);
  expect("clipNorm", clipNorm, among(clipNorm, Number.MIN_VALUE, finite), "above 0");
  expect("updateClipNorm", updateClipNorm, among(updateClipNorm, Number.MIN_VALUE, finite), "above 0");
  expect("weightDecay", weightDecay, among(weightDecay, 0, finite), "0 or more");
  expect("labelSmoothing", labelSmoothing, among(labelSmoothing, 0, 1 - 2 ** -53), "0 or more, below 1");
  expect(
    "labelSmoothing",
    labelSmoothing,
    !labelSmoothing || soft === undefined,
    "none with a teacher, who says how sure to be",
  );
  if (schedule !== undefined) {
    const { warmUpSteps, decay } = schedule;
    const isCount = Number.isInteger(warmUpSteps) && warmUpSteps >= 0;
    expect("schedule.warmUpSteps", warmUpSteps, isCount, "an integer, 0 or more");
    if (decay !== "constant" && "step" in decay) {
      const { everySteps, factor } = decay.step;
      const isStep = Number.isInteger(everySteps) && everySteps >= 1;
      expect("schedule.decay.step.everySteps", everySteps, isStep, "a positive integer");
      expect("schedule.decay.step.factor", factor, factor > 0 && factor <= 1, "above 0, at most 1");
    } else if (decay !== "constant")
      expect("schedule.decay.cosine.floor", decay.cosine.floor, among(decay.cosine.floor, 0, 1), "0 to 1");
  }
  if (augment !== undefined) {
    const { shift = 0, flip = false, noise } = augment;
    expect("augment.shift", shift, Number.isInteger(shift) && among(shift, 0, 1024), "0 to 1024 pixels");
    expect("augment.noise", noise, among(noise, 0, finite), "0 or more");
    const isImage = dataset.inputShape.length === 3;
    expect("augment", augment, isImage || (shift === 0 && !flip), "no shift or flip: the data are no images");
  }
  return problems;
}
