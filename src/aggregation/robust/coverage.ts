import type { Manifest } from "../../model/manifest.ts";
import type { UpdateMessage } from "../../model/message.ts";
import { type Masks, mapParams, type Params, type Positions, sizeOf } from "../../model/tensor.ts";

/** The coordinates that the client of any of these updates owns; null for all of a tensor. */
export function coveredBy(updates: readonly UpdateMessage[], manifest: Manifest): Masks {
  const masksOf = (name: string) => updates.map(({ tensors }) => tensors.get(name)!.mask);
  return new Map(manifest.tensors.map(({ name, shape }) => [name, union(masksOf(name), sizeOf(shape))]));
}

function union(masks: readonly (Positions | null)[], length: number): Positions | null {
  if (masks.includes(null)) return null;
  const owned = new Uint8Array(length);
  for (const mask of masks) for (const at of mask!) owned[at] = 1;
  const places = Uint32Array.from(owned.keys()).filter((at) => owned[at] === 1);
  return places.length === length ? null : places;
}

export const zeroParams = ({ tensors }: Manifest): Params =>
  new Map(tensors.map(({ name, shape }) => [name, { shape, data: new Float32Array(sizeOf(shape)) }]));

/** `params` with zeros off the mask: what nobody owns does not move. */
export const zeroBeyond = (params: Params, masks: Masks): Params =>
  mapParams(params, ({ data }, name) => {
    const mask = masks.get(name) ?? null;
    if (mask === null) return data;
    const kept = new Float32Array(data.length);
    for (const at of mask) kept[at] = data[at]!;
    return kept;
  });
