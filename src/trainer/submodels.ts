import { maskOf, restrict } from "../model/masks.ts";
import { slicePositions, sliceShape } from "../model/slice.ts";
import type { SubModel } from "../model/submodel.ts";
import { type Params, sizeOf } from "../model/tensor.ts";
import { type Architecture, layerShapes, layerTensors } from "./layers.ts";
import { narrowed, widthSlices } from "./width.ts";
import { architecture } from "./zoo.ts";

/**
 * The widths of an architecture of the zoo as sub-models, for batches of this size; none when there is but the whole.
 * Throws ConfigError.
 */
export function subModels(zoo: string, widths: readonly number[], batchSize: number): readonly SubModel[] {
  if (widths.every((width) => width === 1)) return [];
  const whole = architecture(zoo);
  return widths.map((width) => {
    const slices = widthSlices(whole, width);
    const masks = layerTensors(whole).map(
      ({ name, shape }) => [name, maskOf(slicePositions(shape, slices.get(name)!), sizeOf(shape))] as const,
    );
    return {
      width,
      masks: new Map(masks),
      memoryBytes: trainingBytes(narrowed(whole, width), batchSize),
    };
  });
}

/** The slice of a model that is its narrow version, under `widthName`. */
export function narrowParams(zoo: string, width: number, whole: Params): Params {
  const slices = widthSlices(architecture(zoo), width);
  return new Map(
    [...whole].map(([name, { shape, data }]) => {
      const slice = slices.get(name)!;
      const places = slicePositions(shape, slice);
      return [name, { shape: sliceShape(shape, slice), data: restrict(data, places) }];
    }),
  );
}

/** Values, gradient, momentum and starting point of every param; every layer's output and its gradient. In float32. */
function trainingBytes(of: Architecture, batchSize: number): number {
  const numParams = layerTensors(of).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const numOutputs = layerShapes(of).reduce((sum, shape) => sum + sizeOf(shape), 0);
  return 4 * (4 * numParams + 2 * batchSize * numOutputs);
}
