import type * as tfl from "@tensorflow/tfjs-layers";
import type { ConfigProblem } from "../../model/error.ts";
import type { BuiltModel } from "./build.ts";
import { className, isPassing, leavesOf, makerOf, wrappedBy } from "./leaves.ts";

/**
 * The layers of tfjs that every engine trains to the same result (test/trainer/own-layers.test.ts goes through them all).
 * Layers of the user's own classes are not in any table: they are trained as they are.
 */
export const trainedLayers = [
  ...["InputLayer", "Dense", "Activation", "Dropout", "Flatten", "Reshape", "Permute", "RepeatVector"],
  ...["ReLU", "LeakyReLU", "ELU", "Softmax", "LayerNormalization", "Embedding"],
  ...["Conv1D", "Conv2D", "Conv2DTranspose", "SeparableConv2D", "DepthwiseConv2D"],
  ...["ZeroPadding2D", "Cropping2D", "MaxPooling1D", "MaxPooling2D"],
  ...["AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D"],
  ...["GlobalMaxPooling1D", "GlobalMaxPooling2D"],
  ...["Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"],
  ...["SimpleRNN", "LSTM", "GRU", "Bidirectional", "TimeDistributed"],
] as const;

/** Why others cannot be. */
const untrained: Readonly<Record<string, string>> = {
  BatchNormalization:
    "no batch norm: its running statistics do not average over clients; LayerNormalization, or a group norm",
  GaussianNoise: "Dropout: other noise is not drawn from the task's seed",
  GaussianDropout: "Dropout: other noise is not drawn from the task's seed",
  AlphaDropout: "Dropout: other noise is not drawn from the task's seed",
  SpatialDropout1D: "Dropout: other noise is not drawn from the task's seed",
  Masking: "no masks: sequences of one length",
};
/** Of no test, or the two engines do not agree on their gradients (PReLU, UpSampling2D). */
const UNTESTED = [
  ...["PReLU", "UpSampling2D"],
  ...[
    "Conv3D",
    "Conv3DTranspose",
    "AveragePooling3D",
    "MaxPooling3D",
    "ConvLSTM2D",
    "ThresholdedReLU",
    "Dot",
    "RNN",
  ],
  ...["Rescaling", "CenterCrop", "Resizing", "CategoryEncoding", "RandomWidth", "StackedRNNCells"],
];

/** What about a model keeps it from being trained here, layer by layer. */
export function ownProblems(
  { model, regularized }: Pick<BuiltModel, "model" | "regularized">,
  place: string,
): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const shape = ({ shape: of }: { readonly shape: tfl.Shape }) => of.map((side) => side ?? "?").join("x");
  const { inputs, outputs } = model;
  if (inputs.length !== 1 || inputs[0]!.shape.slice(1).some((side) => !side))
    problems.push({
      path: place,
      value: `inputs ${inputs.map(shape).join(", ")}`,
      expected: "one input of a fixed shape",
    });
  const [output] = outputs;
  if (outputs.length !== 1 || output!.shape.length !== 2 || !(output!.shape[1]! >= 2))
    problems.push({
      path: place,
      value: `outputs ${outputs.map(shape).join(", ")}`,
      expected: "one output of two or more classes, a logit each",
    });
  else if (endsInSigmoid(makerOf(output!)))
    problems.push({
      path: place,
      value: `layer ${makerOf(output!).name} ends in a sigmoid`,
      expected: "logits, or a softmax, which is left out",
    });
  if (regularized.length > 0)
    problems.push({
      path: place,
      value: `a regularizer of ${regularized.join(", ")}`,
      expected: "none: train.weightDecay of the run's config is for that",
    });
  const leaves = leavesOf(model);
  const first = leaves.find((leaf) => !isPassing(leaf));
  for (const leaf of leaves) {
    for (const layer of new Set([leaf, ...wrappedBy(leaf)])) {
      problems.push(...layerProblems(layer, place));
      if (className(layer) === "Embedding" && layer !== first)
        problems.push({
          path: place,
          value: `layer ${layer.name} (Embedding) behind another`,
          expected: "an Embedding first of all, for tokens that are checked",
        });
    }
    const shapes = leaf.inboundNodes.flatMap((node) => node.outputShapes as tfl.Shape[]);
    const size = Math.max(...shapes.map(sizeOfOne));
    if (size > MAX_OUTPUT)
      problems.push({
        path: place,
        value: `layer ${leaf.name} (${className(leaf)}) of ${size} numbers an example`,
        expected: `at most ${MAX_OUTPUT}`,
      });
  }
  return problems;
}

/** Of what a layer makes of one example: 64 MiB. */
const MAX_OUTPUT = 16 * 2 ** 20;

const sizeOfOne = (shape: tfl.Shape): number =>
  shape.slice(1).reduce<number>((size, side) => size * (side ?? 1), 1);

function endsInSigmoid(layer: tfl.layers.Layer): boolean {
  const { activation } = layer as { activation?: object };
  return activation !== undefined && className(activation) === "sigmoid";
}

function layerProblems(layer: tfl.layers.Layer, place: string): readonly ConfigProblem[] {
  const kind = className(layer);
  const problem = (expected: string): readonly ConfigProblem[] => [
    { path: place, value: `layer ${layer.name} (${kind})`, expected },
  ];
  const reason = Object.hasOwn(untrained, kind) ? untrained[kind] : undefined;
  if (reason !== undefined) return problem(reason);
  if (UNTESTED.includes(kind)) return problem(`one of ${trainedLayers.join(", ")}`);
  if (layer.nonTrainableWeights.length > 0)
    return problem("every weight trainable: one that is frozen would not reach the clients");
  if (layer.trainableWeights.some(({ dtype }) => dtype !== "float32")) return problem("weights in float32");
  if (layer.trainableWeights.some((weight) => constraintOf(weight) !== null))
    return problem("no constraint on its weights");
  const options = layer as {
    maskZero?: boolean;
    stateful?: boolean;
    noiseShape?: unknown;
    dataFormat?: unknown;
    cell?: { dropout?: number; recurrentDropout?: number };
  };
  if (options.maskZero === true) return problem("no maskZero: sequences of one length");
  if (options.stateful === true) return problem("no state from batch to batch");
  if ((options.cell?.dropout ?? 0) > 0 || (options.cell?.recurrentDropout ?? 0) > 0)
    return problem("no dropout within it: a Dropout before it is drawn from the task's seed");
  if (kind === "Dropout" && options.noiseShape) return problem("no noiseShape");
  if (options.dataFormat === "channelsFirst") return problem("channels last");
  return [];
}

const constraintOf = (weight: tfl.LayerVariable): unknown =>
  (weight as unknown as { readonly constraint: unknown }).constraint ?? null;
