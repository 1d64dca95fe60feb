import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import { ConfigError } from "../../model/error.ts";
import { sizeOf } from "../../model/tensor.ts";
import { type DropoutSource, dropOut } from "../build.ts";
import { className, type Initializer, leavesOf, makerOf, wrappedBy } from "./leaves.ts";
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
    let built: BuiltModel;
    try {
      built = await withZeros(make, place);
    } catch (error) {
      throw error instanceof ConfigError ? error : unusable(place, error);
    }
    const { model } = built;
    const found = model as Partial<tfl.LayersModel> | undefined;
    if (!Array.isArray(found?.layers) || !Array.isArray(found.inputs) || found.inputs.length === 0)
      throw unusable(place, new Error("no tfjs layers model with an input of known shape came of it"));
    withoutSoftmax(model);
    seedDropout(model, dropout);
    return built;
  };
}

const unusable = (place: string, error: unknown): ConfigError =>
  new ConfigError([
    {
      path: place,
      value: messageOf(error),
      expected: "a model that tfjs-layers 4.22 can build",
    },
  ]);

const messageOf = (error: unknown): string => (error as Error)?.message ?? String(error);

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
      { path: place, value: messageOf(error), expected: "a module that can be imported" },
    ]);
  }
  const factory = module.default;
  if (typeof factory !== "function")
    throw new ConfigError([
      { path: place, value: typeof factory, expected: "a module whose default export is a function" },
    ]);
  return () => factory({ tf, tfl }) as tfl.LayersModel;
}

/** As a frame has. */
const MAX_PARAMS = 16 * 2 ** 20;

/** One model at a time is made in a thread. */
let before: Promise<unknown> = Promise.resolve();

/**
 * Fills every weight that is made meanwhile with zeros, and tells what it was to be filled with: values come from params,
 * and tfjs' own initializers draw what no seed repeats. A factory may wait for something before it makes its layers.
 */
function withZeros(make: Make, place: string): Promise<BuiltModel> {
  const built = before.then(() => zeroed(make, place));
  before = built.catch(() => {});
  return built;
}

async function zeroed(make: Make, place: string): Promise<BuiltModel> {
  const regularized: string[] = [];
  const initializers = new Map<tfl.LayerVariable, Initializer>();
  let numParams = 0;
  const prototype = tfl.layers.Layer.prototype as unknown as {
    addWeight(this: unknown, ...args: unknown[]): tfl.LayerVariable;
  };
  const { addWeight } = prototype;
  const zeros = tfl.initializers.zeros();
  prototype.addWeight = function (this: unknown, name, shape, dtype, initializer, regularizer, ...rest) {
    numParams += sizeOf(shape as readonly number[]);
    if (numParams > MAX_PARAMS)
      throw new ConfigError([
        { path: place, value: `${numParams} coordinates or more`, expected: `at most ${MAX_PARAMS}` },
      ]);
    const weight = addWeight.call(this, name, shape, dtype, zeros, null, ...rest);
    if (regularizer) regularized.push(weight.originalName);
    initializers.set(weight, initializer as Initializer);
    return weight;
  };
  try {
    return { model: await make(), initializers, regularized };
  } finally {
    prototype.addWeight = addWeight;
  }
}

/** Losses and metrics here are of logits, so that a softmax at the end, as most saved models have, is left out. */
function withoutSoftmax(model: tfl.LayersModel): void {
  const [output] = model.outputs;
  if (output === undefined) return;
  const last = makerOf(output) as tfl.layers.Layer & { activation?: object };
  if (className(last) === "Softmax") Object.assign(last, { call: firstOf });
  else if (last.activation !== undefined && className(last.activation) === "softmax") {
    const linear = tfl.layers.activation({ activation: "linear" }) as unknown as { activation: object };
    Object.assign(last, { activation: linear.activation });
  }
}

const firstOf = (inputs: tf.Tensor | tf.Tensor[]): tf.Tensor => (Array.isArray(inputs) ? inputs[0]! : inputs);

/** tfjs' dropout draws anew at every call or the same for ever; ours draws what the task's seed says. */
function seedDropout(model: tfl.LayersModel, dropout: DropoutSource): void {
  for (const layer of leavesOf(model).flatMap(wrappedBy))
    if (className(layer) === "Dropout") {
      const { rate } = layer as unknown as { readonly rate: number };
      Object.assign(layer, {
        call: (inputs: tf.Tensor | tf.Tensor[]) => dropOut(firstOf(inputs), rate, dropout),
      });
    }
}
