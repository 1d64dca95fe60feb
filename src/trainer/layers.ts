import { assert } from "../model/assert.ts";
import type { TensorSpec } from "../model/manifest.ts";
import { sizeOf } from "../model/tensor.ts";

/** An architecture as data: a chain of layers on NHWC images, ending in one logit a class. */
export interface Architecture {
  readonly name: string;
  /** Of one example, such as [28, 28, 1]. */
  readonly inputShape: readonly number[];
  readonly numClasses: number;
  readonly layers: readonly Layer[];
}

export type Layer =
  | {
      readonly kind: "conv";
      readonly name: string;
      readonly filters: number;
      readonly kernelSize: number;
      readonly padding: "same" | "valid";
      readonly activation: "relu" | "linear";
    }
  | { readonly kind: "max-pool"; readonly size: number }
  | { readonly kind: "flatten" }
  | {
      readonly kind: "dense";
      readonly name: string;
      readonly units: number;
      readonly activation: "relu" | "linear";
    };

/** A trainable tensor and the fans that its initial scale depends on. */
export interface LayerTensor extends TensorSpec {
  /** Inputs that one output value sums over; 0 for a bias. */
  readonly fanIn: number;
  readonly fanOut: number;
  /** What follows the sum. */
  readonly activation: "relu" | "linear";
}

/** The tensors of a chain of layers, in the order of the manifest: kernel, then bias, layer by layer. */
export function layerTensors({ name, inputShape, numClasses, layers }: Architecture): readonly LayerTensor[] {
  const tensors: LayerTensor[] = [];
  let shape = inputShape;
  for (const layer of layers) {
    if (layer.kind === "conv") {
      const { kernelSize: size, filters } = layer;
      tensors.push(...kernelAndBias(layer, [size, size, shape.at(-1)!, filters], size * size * filters));
    } else if (layer.kind === "dense") {
      tensors.push(...kernelAndBias(layer, [shape[0]!, layer.units], layer.units));
    }
    shape = outputShape(layer, shape);
  }
  assert(shape.length === 1 && shape[0] === numClasses, `${name} ends in one logit a class`);
  return tensors;
}

function kernelAndBias(
  { name, activation }: Layer & { kind: "conv" | "dense" },
  shape: readonly number[],
  fanOut: number,
): readonly LayerTensor[] {
  const outputs = shape.at(-1)!;
  const fanIn = sizeOf(shape) / outputs;
  return [
    { name: `${name}/kernel`, shape, fanIn, fanOut, activation },
    { name: `${name}/bias`, shape: [outputs], fanIn: 0, fanOut: 0, activation },
  ];
}

function outputShape(layer: Layer, shape: readonly number[]): readonly number[] {
  const [height, width, channels] = shape as [number, number, number];
  switch (layer.kind) {
    case "conv": {
      const lost = layer.padding === "same" ? 0 : layer.kernelSize - 1;
      return [height - lost, width - lost, layer.filters];
    }
    case "max-pool":
      return [Math.floor(height / layer.size), Math.floor(width / layer.size), channels];
    case "flatten":
      return [sizeOf(shape)];
    case "dense":
      return [layer.units];
  }
}
