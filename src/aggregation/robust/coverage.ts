import type { Manifest } from "../../model/manifest.ts";
import { maskIn, unionOf } from "../../model/masks.ts";
import { type Masks, type Params, sizeOf } from "../../model/tensor.ts";
import type { Reading } from "./reading.ts";

/** The coordinates that the client of any of these updates owns; null for all of a tensor. */
export const coveredBy = (updates: readonly Reading[], { tensors }: Manifest): Masks =>
  new Map(
    tensors.map(({ name, shape }) => {
      // clients of one width share a mask
      const masks = new Set(updates.map((update) => maskIn(update.masks, name)));
      return [name, [...masks].reduce((a, b) => unionOf(a, b, sizeOf(shape)))];
    }),
  );

export const zeroParams = ({ tensors }: Manifest): Params =>
  new Map(tensors.map(({ name, shape }) => [name, { shape, data: new Float32Array(sizeOf(shape)) }]));
