import type { Tensor as TfTensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { assert } from "../model/assert.ts";
import type { Rng } from "../model/rng.ts";
import { type Params, sizeOf, type Tensor } from "../model/tensor.ts";
import type { Vector } from "./arithmetic.ts";
import type { Blueprint } from "./blueprint.ts";
import { type Borders, guardBorders } from "./borders.ts";
import type { DropoutSource } from "./build.ts";

/** A model as this thread can make it. */
export interface Plan {
  readonly blueprint: Blueprint;
  readonly build: (dropout: DropoutSource) => LayersModel | Promise<LayersModel>;
}

/** The one model instance of an architecture in this thread; jobs swap their params in and out. */
export interface Session {
  readonly blueprint: Blueprint;
  readonly model: LayersModel;
  /** Runs with dropout drawn from `rng`. */
  withDropout<T>(rng: Rng, run: () => T): T;
  /** What layers pass on goes through `round` meanwhile. */
  withRounding<T>(round: Borders["round"], run: () => T): T;
  /** The trainable tensors in the manifest's order. */
  readonly weights: readonly Weight[];
  load(params: Params): void;
  /** Makes the model see what was written into the weights' vectors. */
  commit(): void;
  /** A copy. */
  read(): Params;
}

export interface Weight {
  readonly name: string;
  readonly tensor: TfTensor;
  readonly count: number;
  /** The tensor's values, to be written in place; then `commit`. */
  readonly vector: Vector;
}

/** Where an engine keeps a weight's values, and how the model gets to see them. */
export interface Storage {
  vectorOf(tensor: TfTensor): Vector;
  commit(weights: readonly Weight[]): void;
}

export async function openSession(
  { blueprint, build }: Plan,
  { vectorOf, commit }: Storage,
): Promise<Session> {
  const dropout: DropoutSource = { rng: null };
  const borders: Borders = { round: null };
  const model = await build(dropout);
  guardBorders(model, borders);
  const { name: of, tensors } = blueprint;
  assert(model.trainableWeights.length === tensors.length, `${of} is built as described`);
  const weights = tensors.map(({ name, shape }, i): Weight => {
    const tensor = model.trainableWeights[i]!.read();
    assert(tensor.shape.join() === shape.join(), `${name} is built as described`);
    return { name, tensor, count: sizeOf(shape), vector: vectorOf(tensor) };
  });
  return {
    blueprint,
    model,
    weights,
    withDropout: (rng, run) => {
      dropout.rng = rng;
      try {
        return run();
      } finally {
        dropout.rng = null;
      }
    },
    withRounding: (round, run) => {
      borders.round = round;
      try {
        return run();
      } finally {
        borders.round = null;
      }
    },
    load: (params) => {
      for (const { name, count, vector } of weights) {
        const data = params.get(name)?.data;
        assert(data?.length === count, `${name} has its ${count} values`);
        vector.view().set(data);
      }
      commit(weights);
    },
    commit: () => commit(weights),
    read: () =>
      new Map<string, Tensor>(
        tensors.map(({ name, shape }, i) => [name, { shape, data: weights[i]!.vector.view().slice() }]),
      ),
  };
}
