import { ConfigError } from "../model/error.ts";
import { derive, type Rng } from "../model/rng.ts";
import { type Params, sizeOf, type Tensor } from "../model/tensor.ts";
import { type Architecture, type LayerTensor, layerTensors } from "./layers.ts";
import { isOwnName } from "./own/own-model.ts";
import { varied } from "./variant.ts";
import { narrowed, widthOf } from "./width.ts";
import { parseName } from "./zoo-name.ts";

/**
 * The architectures that a config can name; nothing here loads tfjs.
 *
 * softmax-regression (7,850 parameters) is the linear model. small-cnn (20,522) and tiny-cnn (5,994) follow LeNet-5
 * with relu and max pooling; on 8,000 MNIST digits both reach about 98 % when trained in one place. lenet-5 (61,706) is
 * LeCun et al. (1998) with relu and max pooling; mlp (199,210) and fedavg-cnn (1,663,370) are the 2NN and the CNN of
 * McMahan et al. (2017); cnn (54,410) is one convolution, one pooling and one dense layer; separable-cnn (3,946) has
 * the depthwise separable convolutions of Howard et al. (2017), and dropout. lenet-300-100 (266,610) is LeCun's with
 * relu; group-norm-cnn (24,042) and group-norm-cnn-large (65,978) have group norms (Wu and He, 2018), because batch norms
 * do not average (Hsieh et al., 2020); resnet-8 (77,898) is He et al.'s (2016) with three blocks of those.
 *
 * lstm (54,410) and gru (40,970) take 50 steps of 16 features; keyword-gru (45,802) 64 frames of 32 log-mel bands;
 * char-lstm (215,154) predicts the character after 80, as LEAF's Shakespeare; transformer (135,690) classifies 64 tokens of
 * a vocabulary of 1,000. ncf (87,666) says what a user thinks of an item (He et al., 2017, one table for both paths), tokens
 * [user, item] of one vocabulary of 2,625; tabular-mlp (5,762) classifies rows of 22 columns.
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
  "lenet-300-100": {
    inputShape: [28, 28, 1],
    numClasses: 10,
    layers: [
      { kind: "flatten" },
      { kind: "dense", name: "dense1", units: 300, activation: "relu" },
      { kind: "dense", name: "dense2", units: 100, activation: "relu" },
      { kind: "dense", name: "dense3", units: 10, activation: "linear" },
    ],
  },
  "group-norm-cnn": groupNormCnn(16, 32, 64),
  "group-norm-cnn-large": groupNormCnn(32, 64, 80),
  "resnet-8": {
    inputShape: [28, 28, 1],
    numClasses: 10,
    layers: [
      { kind: "conv", name: "conv1", filters: 16, kernelSize: 3, padding: "same", activation: "linear" },
      { kind: "group-norm", name: "norm1", groups: 4, activation: "relu" },
      { kind: "residual", name: "block1", filters: 16, stride: 1, groups: 4 },
      { kind: "residual", name: "block2", filters: 32, stride: 2, groups: 4 },
      { kind: "residual", name: "block3", filters: 64, stride: 2, groups: 4 },
      { kind: "global-average-pool" },
      { kind: "dense", name: "dense1", units: 10, activation: "linear" },
    ],
  },
  lstm: recurrent("lstm"),
  gru: recurrent("gru"),
  "keyword-gru": {
    inputShape: [64, 32],
    numClasses: 10,
    layers: [
      { kind: "gru", name: "gru1", units: 64, output: "sequence" },
      { kind: "gru", name: "gru2", units: 64, output: "last" },
      { kind: "dense", name: "dense1", units: 32, activation: "relu" },
      { kind: "dense", name: "dense2", units: 10, activation: "linear" },
    ],
  },
  "char-lstm": {
    inputShape: [80],
    numClasses: 98,
    layers: [
      { kind: "embedding", name: "characters", vocabulary: 98, units: 8 },
      { kind: "lstm", name: "lstm1", units: 128, output: "sequence" },
      { kind: "lstm", name: "lstm2", units: 128, output: "last" },
      { kind: "dense", name: "dense1", units: 98, activation: "linear" },
    ],
  },
  ncf: {
    inputShape: [2],
    numClasses: 2,
    layers: [
      { kind: "embedding", name: "tokens", vocabulary: 2625, units: 32 },
      { kind: "pair" },
      { kind: "dense", name: "dense1", units: 32, activation: "relu" },
      { kind: "dense", name: "dense2", units: 16, activation: "relu" },
      { kind: "dense", name: "dense3", units: 2, activation: "linear" },
    ],
  },
  "tabular-mlp": {
    inputShape: [22],
    numClasses: 2,
    layers: [
      { kind: "dense", name: "dense1", units: 64, activation: "relu" },
      { kind: "dense", name: "dense2", units: 64, activation: "relu" },
      { kind: "dense", name: "dense3", units: 2, activation: "linear" },
    ],
  },
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

/** Two convolutions with group norms and pooling, and two dense layers. */
function groupNormCnn(first: number, second: number, units: number): Omit<Architecture, "name"> {
  return {
    inputShape: [28, 28, 1],
    numClasses: 10,
    layers: [
      { kind: "conv", name: "conv1", filters: first, kernelSize: 3, padding: "same", activation: "linear" },
      { kind: "group-norm", name: "norm1", groups: 4, activation: "relu" },
      { kind: "max-pool", size: 2 },
      { kind: "conv", name: "conv2", filters: second, kernelSize: 3, padding: "same", activation: "linear" },
      { kind: "group-norm", name: "norm2", groups: 4, activation: "relu" },
      { kind: "max-pool", size: 4 },
      { kind: "flatten" },
      { kind: "dense", name: "dense1", units, activation: "relu" },
      { kind: "dense", name: "dense2", units: 10, activation: "linear" },
    ],
  };
}

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

/**
 * One of the zoo, or one of its variants by name (zoo-name.ts): for other inputs, vocabularies or numbers of classes, and
 * narrow, such as small-cnn-in32x32x3-out100-w0.5. Throws ConfigError for any other name.
 */
export function architecture(name: string): Architecture {
  if (isOwnName(widthOf(name).base))
    throw new ConfigError([
      {
        path: "model",
        value: name,
        expected:
          "a model that is at hand here: this name is made of the contents of a model.json or module. A client has to be " +
          "started with --model and the very file that the coordinator's config names",
      },
    ]);
  const { base, variant, width } = parseName(name);
  if (!Object.hasOwn(zoo, base))
    throw new ConfigError([
      { path: "model.zoo", value: name, expected: `one of ${architectureNames.join(", ")}` },
    ]);
  const whole = varied({ name: base, ...zoo[base]! }, variant);
  return width === 1 ? whole : narrowed(whole, width);
}

/** Version 0 of a model of the zoo, by name; see `seededParams`. */
export const initialParams = (name: string, seed: number, mostParams?: number): Params => {
  const tensors = layerTensors(architecture(name));
  return seededParams({ name, tensors }, seed, mostParams);
};

/**
 * Version 0 of a model: a pure function of its tensors and the seed (0 to 2^32-1), the same bits on every engine.
 * Kernels are uniform in [-limit, limit) with the limits of He et al. (2015) and Glorot and Bengio (2010), embeddings
 * in [-0.05, 0.05); gains are one, biases zero. Throws ConfigError for a name with more than `mostParams` coordinates, before
 * there is memory for one.
 */
export function seededParams(
  { name, tensors }: { readonly name: string; readonly tensors: readonly LayerTensor[] },
  seed: number,
  mostParams = Number.POSITIVE_INFINITY,
): Params {
  const numParams = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (numParams > mostParams)
    throw new ConfigError([
      {
        path: "model.zoo",
        value: name,
        expected: `at most ${mostParams} parameters, not ${numParams}`,
      },
    ]);
  const params = new Map<string, Tensor>();
  for (const tensor of tensors)
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
