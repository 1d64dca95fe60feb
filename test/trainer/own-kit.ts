import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Dataset } from "../../src/model/dataset.ts";
import { derive } from "../../src/model/rng.ts";
import { sizeOf } from "../../src/model/tensor.ts";
import type { Blueprint } from "../../src/trainer/blueprint.ts";
import { temporaryFolder } from "../temporary.ts";

export interface LayerConfig {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

export const layer = (class_name: string, config: Readonly<Record<string, unknown>> = {}): LayerConfig => ({
  class_name,
  config,
});

/** A chain of layers as Keras and tfjs write it; the first has `batch_input_shape`. */
export const chain = (...layers: readonly LayerConfig[]): object => ({
  class_name: "Sequential",
  config: {
    name: "own",
    layers: layers.map(({ class_name, config }, i) => ({
      class_name,
      config: { name: `layer${i + 1}`, ...config },
    })),
  },
});

/** A model.json with that topology, in a folder of its own. */
export function modelFile(modelTopology: object, more: object = {}, folder = temporaryFolder()): string {
  const path = join(folder, "model.json");
  writeFileSync(path, JSON.stringify({ format: "layers-model", modelTopology, ...more }));
  return path;
}

export function moduleFile(source: string): string {
  const path = join(temporaryFolder(), "model.mjs");
  writeFileSync(path, source);
  return path;
}

/** Random examples that fit a model. */
export function examplesFor({ inputShape, numClasses, vocabulary }: Blueprint, count: number): Dataset {
  const rng = derive(3, "examples");
  const draw = () => (vocabulary === null ? 2 * rng.uniform() - 1 : rng.below(vocabulary));
  return {
    inputShape,
    numClasses,
    inputs: Float32Array.from({ length: count * sizeOf(inputShape) }, draw),
    labels: Int32Array.from({ length: count }, () => rng.below(numClasses)),
  };
}
