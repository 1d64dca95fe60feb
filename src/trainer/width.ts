import type { AxisSlice, Slice } from "../model/slice.ts";
import { sizeOf } from "../model/tensor.ts";
import { type Architecture, type Layer, layerShapes, nameOf, tensorsOf } from "./layers.ts";

/**
 * Narrower versions of an architecture, for devices that the whole is too much for (HeteroFL, Diao et al., 2021; FjORD,
 * Horváth et al., 2021): every layer's outputs but the last one's are cut to their first `width`. A narrow model is a
 * slice of the whole one's tensors, so that all widths can be folded into one model. What a transformer's blocks pass
 * on keeps its size, as heads and norms go across it; only their inner layer is cut.
 */
export const narrowed = (architecture: Architecture, width: number): Architecture => {
  const head = architecture.layers.length - 1;
  return {
    ...architecture,
    name: widthName(architecture.name, width),
    layers: architecture.layers.map((layer, i) => (i === head ? layer : narrowedLayer(layer, width))),
  };
};

export const widthName = (name: string, width: number): string => (width === 1 ? name : `${name}-w${width}`);

/** The architecture's name and the width in the name of a narrow one. */
export function widthOf(name: string): { readonly base: string; readonly width: number } {
  const [, base, digits] = /^(.+)-w(0\.\d{1,6})$/.exec(name) ?? [];
  const width = Number(digits);
  return base !== undefined && width > 0 && widthName(base, width) === name
    ? { base, width }
    : { base: name, width: 1 };
}

/** What a narrow model is of the whole one, by tensor. */
export function widthSlices(whole: Architecture, width: number): ReadonlyMap<string, Slice> {
  const narrow = narrowed(whole, width);
  const [wholeShapes, narrowShapes] = [layerShapes(whole), layerShapes(narrow)];
  const slices = new Map<string, Slice>();
  // A flatten puts the channels of one pixel after those of another: so many parts has what comes next.
  let pixels = 1;
  whole.layers.forEach((layer, i) => {
    if (layer.kind === "flatten") pixels = sizeOf(wholeShapes[i]!.slice(0, -1));
    const tensors = tensorsOf(layer, wholeShapes[i]!);
    const kept = tensorsOf(narrow.layers[i]!, narrowShapes[i]!);
    tensors.forEach(({ name, shape }, t) => {
      slices.set(
        `${nameOf(layer, i)}/${name}`,
        shape.map((_, axis) =>
          axisSlice(kept[t]!.shape[axis]!, partsOf(layer, axis === shape.length - 1, pixels)),
        ),
      );
    });
    if (tensors.length > 0) pixels = 1;
  });
  return slices;
}

const axisSlice = (kept: number, parts: number): AxisSlice => ({ parts, keep: kept / parts });

/** Of how many equal parts an axis of a layer's tensor consists, each of which is cut. */
function partsOf(layer: Layer, isLast: boolean, pixels: number): number {
  switch (layer.kind) {
    case "lstm":
      return isLast ? 4 : 1;
    case "gru":
      return isLast ? 3 : 1;
    case "dense":
      return isLast ? 1 : pixels;
    default:
      return 1;
  }
}

function narrowedLayer(layer: Layer, width: number): Layer {
  const cut = (n: number): number => Math.max(1, Math.ceil(width * n));
  switch (layer.kind) {
    case "conv":
    case "residual":
      return { ...layer, filters: cut(layer.filters) };
    case "dense":
    case "lstm":
    case "gru":
      return { ...layer, units: cut(layer.units) };
    case "transformer":
      return { ...layer, hidden: cut(layer.hidden) };
    default:
      return layer;
  }
}
