import type { Manifest } from "../model/manifest.ts";
import { maskIn } from "../model/masks.ts";
import { type Masks, sizeOf } from "../model/tensor.ts";

/** Who owned what in a round: a linear fold's tally has it by weight. */
export interface Votes {
  /** By tensor, of every coordinate the owners' weight; null where every update owned the whole tensor. */
  readonly owners: readonly (ArrayLike<number> | null)[];
  /** Of all updates. */
  readonly total: number;
}

/** One vote an update, for folds that count all alike. */
export const votesOf = (updates: readonly { readonly masks: Masks }[], { tensors }: Manifest): Votes => ({
  owners: tensors.map(({ name, shape }) => {
    const masks = updates.map((update) => maskIn(update.masks, name));
    if (masks.every((mask) => mask === null)) return null;
    const owners = new Uint32Array(sizeOf(shape));
    for (const mask of masks)
      if (mask === null) for (let at = 0; at < owners.length; at++) owners[at]!++;
      else for (const at of mask) owners[at]!++;
    return owners;
  }),
  total: updates.length,
});
