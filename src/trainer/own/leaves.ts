import type * as tfl from "@tensorflow/tfjs-layers";

/** As tfjs calls a layer, an activation or an initializer. */
export const className = (of: object): string => (of as { getClassName(): string }).getClassName();

export interface Initializer {
  getClassName(): string;
  getConfig(): object;
}

/** The layers of a model and of the models within it, each once; wrappers are leaves. */
export function leavesOf(model: tfl.LayersModel): readonly tfl.layers.Layer[] {
  const leaves = new Set<tfl.layers.Layer>();
  const visit = (layers: readonly tfl.layers.Layer[]): void => {
    for (const layer of layers) {
      const inner = layersWithin(layer);
      if (inner === null) leaves.add(layer);
      else visit(inner);
    }
  };
  visit(model.layers);
  return [...leaves];
}

/** What a wrapper runs: the layers of a TimeDistributed, both of a Bidirectional; else the layer itself. */
export function wrappedBy(layer: tfl.layers.Layer): readonly tfl.layers.Layer[] {
  const { forwardLayer, backwardLayer } = layer as {
    forwardLayer?: tfl.layers.Layer;
    backwardLayer?: tfl.layers.Layer;
  };
  if (forwardLayer !== undefined && backwardLayer !== undefined) return [forwardLayer, backwardLayer];
  const { layer: inner } = layer as { layer?: tfl.layers.Layer };
  if (className(layer) !== "TimeDistributed" || inner === undefined) return [layer];
  return (layersWithin(inner) === null ? [inner] : leavesOf(inner as tfl.LayersModel)).flatMap(wrappedBy);
}

/** Layers that compute nothing, but say how their input is to be seen. */
export const isPassing = (layer: tfl.layers.Layer): boolean =>
  ["InputLayer", "Flatten", "Reshape", "Permute", "RepeatVector"].includes(className(layer));

/** The layer that makes a tensor: within a model within the model, and before a Flatten that leaves its last axis alone. */
export function makerOf(tensor: tfl.SymbolicTensor): tfl.layers.Layer {
  const layer = tensor.sourceLayer as tfl.layers.Layer;
  if (layersWithin(layer) !== null) return makerOf((layer as tfl.LayersModel).outputs[0]!);
  if (!["Flatten", "Reshape"].includes(className(layer))) return layer;
  const before = layer.inboundNodes[tensor.nodeIndex]?.inputTensors[0];
  return before !== undefined && before.shape.at(-1) === tensor.shape.at(-1) ? makerOf(before) : layer;
}

/** Null of a layer that is no model. */
function layersWithin(layer: tfl.layers.Layer): readonly tfl.layers.Layer[] | null {
  const { layers } = layer as Partial<tfl.LayersModel>;
  return Array.isArray(layers) ? layers : null;
}
