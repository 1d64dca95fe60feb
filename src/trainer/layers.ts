import { assert } from "../model/assert.ts";
import type { TensorSpec } from "../model/manifest.ts";
import { sizeOf } from "../model/tensor.ts";

/** An architecture as data: a chain of layers on images (NHWC), sequences or tokens, ending in one logit a class. */
export interface Architecture {
  readonly name: string;
  /** Of one example: [28, 28, 1] for an image, [steps, features] for a sequence, [steps] for tokens. */
  readonly inputShape: readonly number[];
  readonly numClasses: number;
  readonly layers: readonly Layer[];
}

type Activation = "relu" | "linear";

export type Layer =
  | {
      readonly kind: "conv";
      readonly name: string;
      readonly filters: number;
      readonly kernelSize: number;
      readonly padding: "same" | "valid";
      readonly activation: Activation;
    }
  /** One filter a channel. */
  | {
      readonly kind: "depthwise-conv";
      readonly name: string;
      readonly kernelSize: number;
      readonly padding: "same" | "valid";
      readonly activation: Activation;
    }
  | { readonly kind: "max-pool"; readonly size: number }
  /** The mean over all axes but the last: of an image's pixels, of a sequence's steps. */
  | { readonly kind: "global-average-pool" }
  | { readonly kind: "flatten" }
  | {
      readonly kind: "dense";
      readonly name: string;
      readonly units: number;
      readonly activation: Activation;
    }
  /** Inverted dropout: in training a value is zero with probability `rate`, and the others are scaled up. */
  | { readonly kind: "dropout"; readonly rate: number }
  /** Tokens [steps], 0 to vocabulary-1, to [steps, units]. */
  | { readonly kind: "embedding"; readonly name: string; readonly vocabulary: number; readonly units: number }
  /** Adds a learned vector a step. */
  | { readonly kind: "position-embedding"; readonly name: string }
  | { readonly kind: "layer-norm"; readonly name: string }
  /** Of an image, then relu where asked for; the groups are fewer where they do not divide the channels. */
  | {
      readonly kind: "group-norm";
      readonly name: string;
      readonly groups: number;
      readonly activation: Activation;
    }
  /**
   * Two 3x3 convolutions with group norms, and what came in added (He et al., 2016): through a 1x1 convolution where
   * filters or stride change it.
   */
  | {
      readonly kind: "residual";
      readonly name: string;
      readonly filters: number;
      readonly stride: 1 | 2;
      readonly groups: number;
    }
  /** Two embedded things [2, units], such as a user and an item, to both and their product [3 * units]. */
  | { readonly kind: "pair" }
  /** [steps, features] to [steps, units], or to the last step's [units]. */
  | {
      readonly kind: "lstm" | "gru";
      readonly name: string;
      readonly units: number;
      readonly output: "sequence" | "last";
    }
  /** An encoder block with the norms first: x + attention(norm(x)), then x + dense(gelu(dense(norm(x)))). */
  | {
      readonly kind: "transformer";
      readonly name: string;
      readonly heads: number;
      /** Units of the inner dense layer. */
      readonly hidden: number;
    };

/** A trainable tensor and how version 0 fills it: with one number, or uniformly in [-limit, limit). */
export interface LayerTensor extends TensorSpec {
  readonly initial: { readonly constant: number } | { readonly limit: number };
}

/** The tensors of a chain of layers, in the order of the manifest. Their names begin with the layer's. */
export function layerTensors(architecture: Architecture): readonly LayerTensor[] {
  const { name, numClasses } = architecture;
  const shapes = layerShapes(architecture);
  const last = shapes.at(-1)!;
  assert(last.length === 1 && last[0] === numClasses, `${name} ends in one logit a class`);
  return architecture.layers.flatMap((layer, i) =>
    tensorsOf(layer, shapes[i]!).map((tensor) => ({ ...tensor, name: `${nameOf(layer, i)}/${tensor.name}` })),
  );
}

/** What goes into each layer, and last what comes out: shapes of one example. */
export function layerShapes({ inputShape, layers }: Architecture): readonly (readonly number[])[] {
  const shapes = [inputShape];
  for (const layer of layers) shapes.push(outputShape(layer, shapes.at(-1)!));
  return shapes;
}

/** How many tokens a model tells apart; null for one whose inputs are numbers. */
export function vocabularyOf({ layers: [first] }: Architecture): number | null {
  return first?.kind === "embedding" ? first.vocabulary : null;
}

/** A layer without tensors is called by its kind and place. */
export const nameOf = (layer: Layer, index: number): string =>
  "name" in layer ? layer.name : `${layer.kind}-${index}`;

/** A layer's own tensors, given the shape of its input; names are within the layer. */
export function tensorsOf(layer: Layer, input: readonly number[]): readonly LayerTensor[] {
  const features = input.at(-1)!;
  switch (layer.kind) {
    case "conv": {
      const { kernelSize: size, filters, activation } = layer;
      return kernelAndBias("", [size, size, features, filters], size * size * filters, activation);
    }
    case "depthwise-conv": {
      const { kernelSize: size, activation } = layer;
      const limit = limitOf(size * size, size * size, activation);
      return [
        { name: "kernel", shape: [size, size, features, 1], initial: { limit } },
        { name: "bias", shape: [features], initial: { constant: 0 } },
      ];
    }
    case "dense":
      return kernelAndBias("", [features, layer.units], layer.units, layer.activation);
    case "embedding":
      return [{ name: "table", shape: [layer.vocabulary, layer.units], initial: { limit: 0.05 } }];
    case "position-embedding":
      return [{ name: "table", shape: input, initial: { limit: 0.05 } }];
    case "layer-norm":
    case "group-norm":
      return norm("", features);
    case "residual": {
      const { filters } = layer;
      const conv = (prefix: string, size: number, from: number): readonly LayerTensor[] =>
        kernelAndBias(prefix, [size, size, from, filters], size * size * filters, "relu");
      return [
        ...conv("conv1/", 3, features),
        ...norm("norm1/", filters),
        ...conv("conv2/", 3, filters),
        ...norm("norm2/", filters),
        ...(isProjected(layer, features) ? conv("shortcut/", 1, features) : []),
      ];
    }
    case "lstm":
    case "gru": {
      const { units } = layer;
      const width = (layer.kind === "lstm" ? 4 : 3) * units;
      return [
        { name: "kernel", shape: [features, width], initial: { limit: limitOf(features, width) } },
        { name: "recurrent", shape: [units, width], initial: { limit: limitOf(units, width) } },
        { name: "bias", shape: [width], initial: { constant: 0 } },
      ];
    }
    case "transformer":
      assert(features % layer.heads === 0, `${layer.name} has heads of one size`);
      return [
        ...norm("norm1/", features),
        ...kernelAndBias("attention/", [features, 3 * features], 3 * features),
        ...kernelAndBias("projection/", [features, features], features),
        ...norm("norm2/", features),
        ...kernelAndBias("dense1/", [features, layer.hidden], layer.hidden),
        ...kernelAndBias("dense2/", [layer.hidden, features], features),
      ];
    default:
      return [];
  }
}

/** Whether a residual block's shortcut needs a convolution. */
const isProjected = (
  { filters, stride }: { readonly filters: number; readonly stride: number },
  features: number,
): boolean => filters !== features || stride !== 1;

function kernelAndBias(
  prefix: string,
  shape: readonly number[],
  fanOut: number,
  activation: Activation = "linear",
): readonly LayerTensor[] {
  const outputs = shape.at(-1)!;
  const limit = limitOf(sizeOf(shape) / outputs, fanOut, activation);
  return [
    { name: `${prefix}kernel`, shape, initial: { limit } },
    { name: `${prefix}bias`, shape: [outputs], initial: { constant: 0 } },
  ];
}

const norm = (prefix: string, features: number): readonly LayerTensor[] => [
  { name: `${prefix}gain`, shape: [features], initial: { constant: 1 } },
  { name: `${prefix}bias`, shape: [features], initial: { constant: 0 } },
];

/** sqrt(6 / fanIn) before relu (He et al., 2015), else sqrt(6 / (fanIn + fanOut)) (Glorot and Bengio, 2010). */
const limitOf = (fanIn: number, fanOut: number, activation: Activation = "linear"): number =>
  Math.fround(Math.sqrt(6 / (activation === "relu" ? fanIn : fanIn + fanOut)));

function outputShape(layer: Layer, shape: readonly number[]): readonly number[] {
  switch (layer.kind) {
    case "conv":
    case "depthwise-conv": {
      const [height, width, channels] = shape as [number, number, number];
      const lost = layer.padding === "same" ? 0 : layer.kernelSize - 1;
      return [height - lost, width - lost, layer.kind === "conv" ? layer.filters : channels];
    }
    case "max-pool": {
      const [height, width, channels] = shape as [number, number, number];
      return [Math.floor(height / layer.size), Math.floor(width / layer.size), channels];
    }
    case "global-average-pool":
      return shape.slice(-1);
    case "residual": {
      const [height, width] = shape as [number, number, number];
      return [Math.ceil(height / layer.stride), Math.ceil(width / layer.stride), layer.filters];
    }
    case "pair":
      return [3 * shape[1]!];
    case "flatten":
      return [sizeOf(shape)];
    case "dense":
      return [layer.units];
    case "embedding":
      return [...shape, layer.units];
    case "lstm":
    case "gru":
      return layer.output === "last" ? [layer.units] : [shape[0]!, layer.units];
    default:
      return shape;
  }
}
