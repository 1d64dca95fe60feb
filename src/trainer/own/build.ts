import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { ConfigError } from "../../model/error.ts";
import { type DropoutSource, dropOut } from "../build.ts";
import { className, type Initializer, leavesOf } from "./leaves.ts";
import type { OwnSource } from "./own-model.ts";

/** Another instance of the model at each call, all weights zero, with logits as its outputs. */
export type Builder = (dropout: DropoutSource) => Promise<BuiltModel>;

export interface BuiltModel {
  readonly model: tfl.LayersModel;
  /** What a weight was to be filled with. */
  readonly initializers: ReadonlyMap<tfl.LayerVariable, Initializer>;
  /** Weights that were to be regularized, by name. */
  readonly regularized: readonly string[];
}

/**
 * Reads the topology, or imports the module, once. `place` is what errors call it. Throws ConfigError for what is no
 * tfjs layers model.
 */
export async function builderOf(source: OwnSource, place: string): Promise<Builder> {
  const make = source.kind === "module" ? await factoryOf(source.url, place) : readerOf(source.json);
  return async (dropout) => {
    const { result, initializers, regularized } = withZeros(() => {
      try {
        return make();
      } catch (error) {
        return Promise.reject(error);
      }
    });
    let model: tfl.LayersModel;
    try {
      model = await result;
    } catch (error) {
      throw unusable(place, error);
    }
    const found = model as Partial<tfl.LayersModel> | undefined;
    if (!Array.isArray(found?.layers) || !Array.isArray(found.inputs) || found.inputs.length === 0)
      throw unusable(place, new Error("no tfjs layers model with an input of known shape came of it"));
    withoutSoftmax(model);
    seedDropout(model, dropout);
    return { model, initializers, regularized };
  };
}

const unusable = (place: string, error: unknown): ConfigError =>
  new ConfigError([
    {
      path: place,
      value: (error as Error)?.message ?? String(error),
      expected: "a model that tfjs-layers 4.22 can build",
    },
  ]);

type Make = () => tfl.LayersModel | Promise<tfl.LayersModel>;

const readerOf =
  (json: string): Make =>
  () =>
    tfl.models.modelFromJSON(JSON.parse(json) as Parameters<typeof tfl.models.modelFromJSON>[0]);

/** Its default export, called with tfjs as fedpress runs it: layers of another copy of tfjs would not train. */
async function factoryOf(url: string, place: string): Promise<Make> {
  let module: { readonly default?: unknown };
  try {
    module = (await import(url)) as typeof module;
  } catch (error) {
    throw new ConfigError([
      { path: place, value: (error as Error).message, expected: "a module that can be imported" },
    ]);
  }
  const factory = module.default;
  if (typeof factory !== "function")
    throw new ConfigError([
      { path: place, value: typeof factory, expected: "a module whose default export is a function" },
    ]);
  return () => factory({ tf, tfl }) as tfl.LayersModel;
}

/**
 * Fills every weight that is made meanwhile with zeros, and tells what it was to be filled with: values come from params,
 * and tfjs' own initializers draw what no seed repeats. tfjs builds models synchronously, its reader too.
 */
function withZeros<T>(make: () => T): { readonly result: T } & Omit<BuiltModel, "model"> {
  const regularized: string[] = [];
  const initializers = new Map<tfl.LayerVariable, Initializer>();
  const prototype = tfl.layers.Layer.prototype as unknown as {
    addWeight(this: unknown, ...args: unknown[]): tfl.LayerVariable;
  };
  const { addWeight } = prototype;
  const zeros = tfl.initializers.zeros();
  prototype.addWeight = function (this: unknown, name, shape, dtype, initializer, regularizer, ...rest) {
    const weight = addWeight.call(this, name, shape, dtype, zeros, null, ...rest);
    if (regularizer) regularized.push(weight.originalName);
    initializers.set(weight, initializer as Initializer);
    return weight;
  };
  try {
    return { result: make(), initializers, regularized };
  } finally {
    prototype.addWeight = addWeight;
  }
}

/** Losses and metrics here are of logits, so that a softmax at the end, as most saved models have, is left out. */
function withoutSoftmax(model: tfl.LayersModel): void {
  const last = model.outputs[0]?.sourceLayer as (tfl.layers.Layer & { activation?: object }) | undefined;
  if (last === undefined) return;
  if (className(last) === "Softmax") Object.assign(last, { call: firstOf });
  else if (last.activation !== undefined && className(last.activation) === "softmax") {
    const linear = tfl.layers.activation({ activation: "linear" }) as unknown as { activation: object };
    Object.assign(last, { activation: linear.activation });
  }
}

const firstOf = (inputs: tf.Tensor | tf.Tensor[]): tf.Tensor => (Array.isArray(inputs) ? inputs[0]! : inputs);

/** tfjs' dropout draws anew at every call or the same for ever; ours draws what the task's seed says. */
function seedDropout(model: tfl.LayersModel, dropout: DropoutSource): void {
  for (const layer of leavesOf(model))
    if (className(layer) === "Dropout") {
      const { rate } = layer as unknown as { readonly rate: number };
      Object.assign(layer, {
        call: (inputs: tf.Tensor | tf.Tensor[]) => dropOut(firstOf(inputs), rate, dropout),
      });
    }
}
