import type { Tensor as TfTensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { assert } from "../model/assert.ts";
import { type Params, sizeOf, type Tensor } from "../model/tensor.ts";
import { buildModel } from "./build.ts";
import { type Architecture, layerTensors } from "./layers.ts";
import type { Heap } from "./wasm/heap.ts";

/** The one model instance of an architecture in this thread; jobs swap their params in and out. */
export interface Session {
  readonly architecture: Architecture;
  readonly model: LayersModel;
  /** The trainable tensors in the manifest's order. Their values are written in place: nothing else shares them. */
  readonly weights: readonly Weight[];
  load(params: Params): void;
  /** A copy. */
  read(): Params;
}

interface Weight {
  readonly name: string;
  readonly tensor: TfTensor;
  readonly count: number;
}

export function openSession(architecture: Architecture, heap: Heap): Session {
  const model = buildModel(architecture);
  const tensors = layerTensors(architecture);
  assert(model.trainableWeights.length === tensors.length, `${architecture.name} is built as described`);
  const weights = tensors.map(({ name, shape }, i): Weight => {
    const tensor = model.trainableWeights[i]!.read();
    assert(tensor.shape.join() === shape.join(), `${name} is built as described`);
    return { name, tensor, count: sizeOf(shape) };
  });
  const valuesOf = ({ tensor, count }: Weight): Float32Array => heap.floats(heap.pointerTo(tensor), count);
  return {
    architecture,
    model,
    weights,
    load: (params) => {
      for (const weight of weights) {
        const data = params.get(weight.name)?.data;
        assert(data?.length === weight.count, `${weight.name} has its ${weight.count} values`);
        valuesOf(weight).set(data);
      }
    },
    read: () =>
      new Map<string, Tensor>(
        tensors.map(({ name, shape }, i) => [name, { shape, data: valuesOf(weights[i]!).slice() }]),
      ),
  };
}
