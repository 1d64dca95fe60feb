import { decodeMask, encodeMask } from "../compress/mask.ts";
import { WireError } from "../model/error.ts";
import { type Manifest, manifestDigest } from "../model/manifest.ts";
import { maskIn } from "../model/masks.ts";
import type { Masks } from "../model/tensor.ts";
import { type MasksFrame, shortDigest } from "./frame.ts";

/** The masks of a model as a frame; `seed` may say what they were drawn from. */
export const encodeMasks = (masks: Masks, manifest: Manifest, seed?: number): MasksFrame => ({
  kind: "masks",
  manifest: shortDigest(manifestDigest(manifest)),
  masks: manifest.tensors.map(({ name, shape }) => encodeMask(maskIn(masks, name), shape, seed)),
});

/** The masks in a frame. Throws WireError. */
export function decodeMasks(frame: MasksFrame, manifest: Manifest): Masks {
  const { tensors } = manifest;
  if (frame.manifest !== shortDigest(manifestDigest(manifest)))
    throw new WireError("wrong-manifest", "manifest", "masks of another model");
  if (frame.masks.length !== tensors.length)
    throw new WireError("bad-shape", "masks", `${frame.masks.length}, expected ${tensors.length}`);
  return new Map(
    tensors.map(({ name, shape }, i) => [name, decodeMask(frame.masks[i]!, shape, `mask ${i}`)]),
  );
}
