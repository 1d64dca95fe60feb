import { ConfigError } from "../model/error.ts";
import { derive, type Rng } from "../model/rng.ts";
import { type Params, sizeOf, type Tensor } from "../model/tensor.ts";
import { type Architecture, type LayerTensor, layerTensors } from "./layers.ts";

/**
 * The architectures that a config can name; nothing here loads tfjs.
 *
 * small-cnn (20,522 parameters) and tiny-cnn (5,994) follow LeNet-5 with relu and max pooling; on 8,000 MNIST digits
 * both reach about 98 % when trained in one place. lenet-5 (61,706) is LeCun et al. (1998) with relu and max pooling;
 * mlp (199,210) and fedavg-cnn (1,663,370) are the 2NN and the CNN of McMahan et al. (2017); cnn (54,410) is the
 * smallest net with one of each layer.
 */
const zoo: Readonly<Record<string, Omit<Architecture, "name">>> = {
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
};

export const architectureNames: readonly string[] = Object.keys(zoo);

/** Throws ConfigError for a name that is not in the zoo. */
export function architecture(name: string): Architecture {
  if (!Object.hasOwn(zoo, name))
    throw new ConfigError([
      { path: "model.zoo", value: name, expected: `one of ${architectureNames.join(", ")}` },
    ]);
  return { name, ...zoo[name]! };
}

/**
 * Version 0 of a model: a pure function of architecture and seed (0 to 2^32-1), the same bits on every engine.
 * Kernels are uniform in [-limit, limit), limit = sqrt(6 / fanIn) before relu (He et al., 2015) and
 * sqrt(6 / (fanIn + fanOut)) otherwise (Glorot and Bengio, 2010); biases are zero.
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

/** Only correctly rounded operations: multiply, divide, Math.sqrt, Math.fround. */
function initialValues({ shape, fanIn, fanOut, activation }: LayerTensor, rng: Rng): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  if (fanIn === 0) return values;
  const limit = Math.fround(Math.sqrt(6 / (activation === "relu" ? fanIn : fanIn + fanOut)));
  for (let i = 0; i < values.length; i++) values[i] = limit * (2 * rng.uniform() - 1);
  return values;
}
