import type { Params } from "../model/tensor.ts";
import { countOfDensity, topK } from "./select.ts";

/**
 * Which coordinates magnitude pruning keeps, as 0/1 bytes: in every tensor the `density` (0 to 1) of largest
 * magnitude, at least one, never a zero. Tensors of rank 0 and 1 (biases) are kept whole: there is little to save.
 */
export function magnitudeMask(params: Params, density: number): ReadonlyMap<string, Uint8Array> {
  return new Map(
    [...params].map(([name, { shape, data }]) => {
      const mask = new Uint8Array(data.length);
      if (shape.length <= 1) mask.fill(1);
      else for (const kept of topK(data, countOfDensity(density, data.length))) mask[kept] = 1;
      return [name, mask];
    }),
  );
}
