import * as tfl from "@tensorflow/tfjs-layers";
import type { Architecture, Layer } from "./layers.ts";

/** The architecture as a tfjs layers model, all weights zero; its outputs are logits. */
export function buildModel({ name, inputShape, layers }: Architecture): tfl.LayersModel {
  const model = tfl.sequential({ name });
  layers.forEach((layer, i) => {
    model.add(buildLayer(layer, i === 0 ? { inputShape: [...inputShape] } : {}));
  });
  return model;
}

function buildLayer(layer: Layer, input: { inputShape?: number[] }): tfl.layers.Layer {
  const zeros = { kernelInitializer: "zeros", biasInitializer: "zeros" } as const;
  switch (layer.kind) {
    case "conv":
      return tfl.layers.conv2d({ ...zeros, ...input, ...layer });
    case "max-pool":
      return tfl.layers.maxPooling2d({ ...input, poolSize: layer.size });
    case "flatten":
      return tfl.layers.flatten(input);
    case "dense":
      return tfl.layers.dense({ ...zeros, ...input, ...layer });
  }
}
