import { WireError } from "../model/error.ts";
import { maskIn } from "../model/masks.ts";
import { slicePositions } from "../model/slice.ts";
import type { Masks, Params, Positions, Tensor } from "../model/tensor.ts";
import { widthName, widthSlices } from "../trainer/width.ts";
import { architecture } from "../trainer/zoo.ts";

/** What a client trains in the place of the whole model, and the way back. */
export interface LocalModel {
  readonly architecture: string;
  readonly params: Params;
  /** Of `params`, 1 for what is owned; undefined when all is. */
  readonly masks?: ReadonlyMap<string, Uint8Array>;
  /** The whole model with what was trained in its place: nothing else of it moves. */
  restore(trained: Params): Params;
}

/**
 * The narrow architecture with its slice of the model, so that training takes the memory of the narrow one; what the
 * masks leave out of the slice stays zero. Throws WireError when they own more than the slice.
 */
export function localModel(zoo: string, width: number, masks: Masks | null, whole: Params): LocalModel {
  if (width === 1 && masks === null)
    return { architecture: zoo, params: whole, restore: (trained) => trained };
  const slices = width === 1 ? null : widthSlices(architecture(zoo), width);
  const parts = [...whole].map(([name, { shape, data }]) => {
    const slice = slices?.get(name);
    const places = slice ? slicePositions(shape, slice) : Uint32Array.from(data.keys());
    const owned = masks === null ? null : maskIn(masks, name);
    const flags = flagsOf(places, owned, data.length);
    if (flags.reduce((n, flag) => n + flag, 0) < (owned?.length ?? data.length))
      throw new WireError("bad-field", "task.part", `the masks own more of ${name} than its width has`);
    const sliced = slice ? slice.map(({ parts, keep }) => parts * keep) : shape;
    return { name, shape: sliced, places, flags, data: Float32Array.from(places, (at) => data[at]!) };
  });
  const isWhole = parts.every(({ flags }) => flags.every((flag) => flag === 1));
  return {
    architecture: widthName(zoo, width),
    params: new Map(parts.map(({ name, shape, data }) => [name, { shape, data }])),
    ...(!isWhole && { masks: new Map(parts.map(({ name, flags }) => [name, flags])) }),
    restore: (trained) =>
      new Map(
        parts.map(({ name, places, flags }): [string, Tensor] => {
          const { shape, data } = whole.get(name)!;
          const next = data.slice();
          const values = trained.get(name)!.data;
          for (let i = 0; i < places.length; i++) if (flags[i] === 1) next[places[i]!] = values[i]!;
          return [name, { shape, data: next }];
        }),
      ),
  };
}

/** Of every place whether it is owned. */
function flagsOf(places: Positions, owned: Positions | null, length: number): Uint8Array {
  const flags = new Uint8Array(places.length);
  if (owned === null) return places.length === length ? flags.fill(1) : flags;
  for (let i = 0, j = 0; i < places.length; i++) {
    while (j < owned.length && owned[j]! < places[i]!) j++;
    if (owned[j] === places[i]) flags[i] = 1;
  }
  return flags;
}
