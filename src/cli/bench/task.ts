import { subset } from "../../model/dataset.ts";
import { derive } from "../../model/rng.ts";
import { sizeOf } from "../../model/tensor.ts";
import { vocabularyOf } from "../../trainer/layers.ts";
import type { TrainTask } from "../../trainer/trainer.ts";
import { architecture, initialParams } from "../../trainer/zoo.ts";

/** What the benches train: random examples, batch 32, SGD with momentum. */
export function benchTask(name: string, numSamples: number, epochs: number): TrainTask {
  const { inputShape, numClasses } = architecture(name);
  const vocabulary = vocabularyOf(architecture(name));
  const rng = derive(1, "bench", name);
  const draw = vocabulary === null ? rng.uniform : () => rng.below(vocabulary);
  const made = {
    inputShape,
    numClasses,
    inputs: Float32Array.from({ length: sizeOf(inputShape) * numSamples }, draw),
    labels: Int32Array.from({ length: numSamples }, () => rng.below(numClasses)),
  };
  return {
    architecture: name,
    params: initialParams(name, 1),
    dataset: subset(made, [...made.labels.keys()]),
    epochs,
    batchSize: 32,
    optimizer: { sgd: { learningRate: 0.01, momentum: 0.9 } },
    seed: 1,
  };
}

/** These models, or all of the zoo when none is asked for. Throws ConfigError for an unknown one. */
export const benchModels = (asked: readonly string[], all: readonly string[]): readonly string[] =>
  asked.length > 0 ? asked.map((name) => architecture(name).name) : all;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
