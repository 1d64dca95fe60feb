import type { Params } from "../model/tensor.ts";
import { type Architecture, type LayerTensor, layerTensors, vocabularyOf } from "./layers.ts";
import type { OwnModel } from "./own/own-model.ts";
import { architecture, seededParams } from "./zoo.ts";

/** A model as trainers and version 0 see it, of the zoo or a user's own; nothing of tfjs. */
export interface Blueprint {
  readonly name: string;
  /** Of one example. */
  readonly inputShape: readonly number[];
  readonly numClasses: number;
  /** How many tokens it tells apart; null where its inputs are numbers. */
  readonly vocabulary: number | null;
  /** In the manifest's order. */
  readonly tensors: readonly LayerTensor[];
}

export const blueprintOf = (of: Architecture): Blueprint => ({
  name: of.name,
  inputShape: of.inputShape,
  numClasses: of.numClasses,
  vocabulary: vocabularyOf(of),
  tensors: layerTensors(of),
});

/** The models that a process knows by name: the zoo's, and those of the user's own that it was started with. */
export interface Models {
  /** What training threads have to be told of. */
  readonly own: readonly OwnModel[];
  /** Throws ConfigError for a name that nothing here has. */
  blueprint(name: string): Blueprint;
  /** Version 0, by the seed; see `seededParams`. */
  initial(name: string, seed: number, mostParams?: number): Params;
  /** What a model of one's own came with in the place of a seed; null without. */
  weights(name: string): Params | null;
}

/** One that was loaded, and what a config may call it by beside its name. */
export interface LoadedModel {
  readonly model: OwnModel;
  readonly weights: Params | null;
  readonly reference?: string;
}

export function modelsWith(loaded: readonly LoadedModel[]): Models {
  const found = (name: string) =>
    loaded.find(({ model, reference }) => model.name === name || reference === name);
  const blueprint = (name: string): Blueprint => found(name)?.model ?? blueprintOf(architecture(name));
  return {
    own: loaded.map(({ model }) => model),
    blueprint,
    initial: (name, seed, mostParams) => seededParams(blueprint(name), seed, mostParams),
    weights: (name) => found(name)?.weights ?? null,
  };
}

export const zooModels: Models = modelsWith([]);

/** Whether version 0 can be made of the seed by whoever has the model; else it travels. */
export const isSeeded = (
  { model }: { readonly model: { readonly zoo: string; readonly checkpoint: string | null } },
  models: Models,
): boolean => model.checkpoint === null && models.weights(model.zoo) === null;
