import { ConfigError } from "../model/error.ts";
import { derive, type Rng } from "../model/rng.ts";
import { type Params, sizeOf, type Tensor } from "../model/tensor.ts";
import { type Architecture, type LayerTensor, layerTensors } from "./layers.ts";
import { narrowed, widthOf } from "./width.ts";

/**
 * The architectures that a config can name; nothing here loads tfjs.
 *
 * softmax-regression (7,850 parameters) is the linear model. small-cnn (20,522) and tiny-cnn (5,994) follow LeNet-5
 * with relu and max pooling; on 8,000 MNIST digits both reach about 98 % when trained in one place. lenet-5 (61,706) is
 * LeCun et al. (1998) with relu and max pooling; mlp (199,210) and fedavg-cnn (1,663,370) are the 2NN and the CNN of
 * McMahan et al. (2017); cnn (54,410) is one convolution, one pooling and one dense layer; separable-cnn (3,946) has
 * the depthwise separable convolutions of Howard et al. (2017), and dropout. lstm (54,410) and gru (40,970) take 50
 * steps of 16 features; transformer (135,690) classifies 64 tokens of a vocabulary of 1,000.
 */
const zoo: Readonly<Record<string, Omit<Architecture, "name">>> = {
  "softmax-regression": {
    inputShape: [28, 28, 1],
    numClasses: 10,
    layers: [{ kind: "flatten" }, { kind: "dense", name: "dense1", units: 10, activation: "linear" }],
  },
  mlp: {
    inputShape: [28, 28, 1],
    numClasses: 10,
    layers: [
      { kind: "flatten" },
      { kind: "dense", name: "dense1", units: 200, activation: "relu" },
      { kind: "dense", name: "dense2", units: 200, activation: "relu" },
      { kind: "dense", name: "dense3", units: 10, activation: "linear" },
    ],
  },
  cnn: {
    inputShape: [28, 28, 1],
    numClasses: 10,
    layers: [
      { kind: "conv", name: "conv1", filters: 32, kernelSize: 3, padding: "valid", activation: "relu" },
      { kind: "max-pool", size: 2 },
      { kind: "flatten" },
      { kind: "dense", name: "dense1", units: 10, activation: "linear" },
    ],
  },
  "lenet-5": {
    inputShape: [28, 28, 1],
    numClasses: 10,
    layers: [
      { kind: "conv", name: "conv1", filters: 6, kernelSize: 5, padding: "same", activation: "relu" },
      { kind: "max-pool", size: 2 },
      { kind: "conv", name: "conv2", filters: 16, kernelSize: 5, padding: "valid", activation: "relu" },
      { kind: "max-pool", size: 2 },
      { kind: "flatten" },
      { kind: "dense", name: "dense1", units: 120, activation: "relu" },
      { kind: "dense", name: "dense2", units: 84, activation: "relu" },
      { kind: "dense", name: "dense3", units: 10, activation: "linear" },
    ],
  },
  "fedavg-cnn": {
    inputShape: [28, 28, 1],
    numClasses: 10,
    layers: [
      { kind: "conv", name: "conv1", filters: 32, kernelSize: 5, padding: "same", activation: "relu" },
      { kind: "max-pool", size: 2 },
      { kind: "conv", name: "conv2", filters: 64, kernelSize: 5, padding: "same", activation: "relu" },
      { kind: "max-pool", size: 2 },
      { kind: "flatten" },
      { kind: "dense", name: "dense1", units: 512, activation: "relu" },
      { kind: "dense", name: "dense2", units: 10, activation: "linear" },
    ],
  },
  "small-cnn": {
    inputShape: [28, 28, 1],
    numClasses: 10,
    layers: [
      { kind: "conv", name: "conv1", filters: 8, kernelSize: 5, padding: "valid", activation: "relu" },
      { kind: "max-pool", size: 2 },
      { kind: "conv", name: "conv2", filters: 16, kernelSize: 5, padding: "valid", activation: "relu" },
      { kind: "max-pool", size: 2 },
      { kind: "flatten" },
      { kind: "dense", name: "dense1", units: 64, activation: "relu" },
      { kind: "dense", name: "dense2", units: 10, activation: "linear" },
    ],
  },
  "tiny-cnn": {
    inputShape: [28, 28, 1],
    numClasses: 10,
    layers: [
      { kind: "conv", name: "conv1", filters: 8, kernelSize: 5, padding: "valid", activation: "relu" },
      { kind: "max-pool", size: 2 },
      { kind: "conv", name: "conv2", filters: 16, kernelSize: 5, padding: "valid", activation: "relu" },
      { kind: "max-pool", size: 2 },
      { kind: "flatten" },
      { kind: "dense", name: "dense1", units: 10, activation: "linear" },
    ],
  },
  "separable-cnn": {
    inputShape: [28, 28, 1],
    numClasses: 10,
    layers: [
      { kind: "conv", name: "conv1", filters: 16, kernelSize: 3, padding: "same", activation: "relu" },
      { kind: "max-pool", size: 2 },
      { kind: "depthwise-conv", name: "depthwise1", kernelSize: 3, padding: "same", activation: "relu" },
      { kind: "conv", name: "pointwise1", filters: 32, kernelSize: 1, padding: "same", activation: "relu" },
      { kind: "max-pool", size: 2 },
      { kind: "depthwise-conv", name: "depthwise2", kernelSize: 3, padding: "same", activation: "relu" },
      { kind: "conv", name: "pointwise2", filters: 64, kernelSize: 1, padding: "same", activation: "relu" },
      { kind: "global-average-pool" },
      { kind: "dropout", rate: 0.1 },
      { kind: "dense", name: "dense1", units: 10, activation: "linear" },
    ],
  },
  lstm: recurrent("lstm"),
  gru: recurrent("gru"),
  transformer: {
    inputShape: [64],
    numClasses: 10,
    layers: [
      { kind: "embedding", name: "tokens", vocabulary: 1000, units: 64 },
      { kind: "position-embedding", name: "positions" },
      { kind: "transformer", name: "block1", heads: 2, hidden: 128 },
      { kind: "transformer", name: "block2", heads: 2, hidden: 128 },
      { kind: "global-average-pool" },
      { kind: "dense", name: "dense1", units: 10, activation: "linear" },
    ],
  },
};

/** Two layers of 64 units. */
function recurrent(kind: "lstm" | "gru"): Omit<Architecture, "name"> {
  return {
    inputShape: [50, 16],
    numClasses: 10,
    layers: [
      { kind, name: `${kind}1`, units: 64, output: "sequence" },
      { kind, name: `${kind}2`, units: 64, output: "last" },
      { kind: "dense", name: "dense1", units: 10, activation: "linear" },
    ],
  };
}

export const architectureNames: readonly string[] = Object.keys(zoo);

/** One of the zoo, or a narrow version of it, such as small-cnn-w0.5. Throws ConfigError for any other name. */
export function architecture(name: string): Architecture {
  const { base, width } = widthOf(name);
  if (!Object.hasOwn(zoo, base))
    throw new ConfigError([
      { path: "model.zoo", value: name, expected: `one of ${architectureNames.join(", ")}` },
    ]);
  const whole = { name: base, ...zoo[base]! };
  return width === 1 ? whole : narrowed(whole, width);
}

/**
 * Version 0 of a model: a pure function of architecture and seed (0 to 2^32-1), the same bits on every engine.
 * Kernels are uniform in [-limit, limit) with the limits of He et al. (2015) and Glorot and Bengio (2010), embeddings
 * in [-0.05, 0.05); gains are one, biases zero.
 */
export function initialParams(architectureName: string, seed: number): Params {
  const params = new Map<string, Tensor>();
  for (const tensor of layerTensors(architecture(architectureName)))
    params.set(tensor.name, {
      shape: tensor.shape,
      data: initialValues(tensor, derive(seed, "initial", tensor.name)),
    });
  return params;
}

/** Only correctly rounded operations. */
function initialValues({ shape, initial }: LayerTensor, rng: Rng): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  if ("constant" in initial) return values.fill(initial.constant);
  for (let i = 0; i < values.length; i++) values[i] = initial.limit * (2 * rng.uniform() - 1);
  return values;
}
