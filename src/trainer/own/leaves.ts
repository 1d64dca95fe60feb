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
      const { layers: inner } = layer as Partial<tfl.LayersModel>;
      if (inner === undefined) leaves.add(layer);
      else visit(inner);
    }
  };
  visit(model.layers);
  return [...leaves];
}

/** What a wrapper runs: the layer of a TimeDistributed, both of a Bidirectional; else the layer itself. */
export function wrappedBy(layer: tfl.layers.Layer): readonly tfl.layers.Layer[] {
  const { forwardLayer, backwardLayer } = layer as {
    forwardLayer?: tfl.layers.Layer;
    backwardLayer?: tfl.layers.Layer;
  };
  if (forwardLayer !== undefined && backwardLayer !== undefined) return [forwardLayer, backwardLayer];
  const { layer: inner } = layer as { layer?: tfl.layers.Layer };
  return className(layer) === "TimeDistributed" && inner !== undefined ? [inner] : [layer];
}
