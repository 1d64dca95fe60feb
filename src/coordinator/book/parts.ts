import { type OwnedPlan, ownedPlan } from "../../compress/owned.ts";
import { assert } from "../../model/assert.ts";
import type { Manifest } from "../../model/manifest.ts";
import { intersectionOf, maskIn, masksDigest } from "../../model/masks.ts";
import type { PlanRule } from "../../model/protocol.ts";
import type { SubModel } from "../../model/submodel.ts";
import type { Masks } from "../../model/tensor.ts";
import { encodeFrame } from "../../wire/frame.ts";
import { encodeMasks } from "../../wire/masks.ts";

/** What a client of a round owns, and how it reports about that. */
export interface Part {
  readonly width: number;
  readonly plan: OwnedPlan;
  /** Digest of the masks; null when everything is owned, of which nothing needs to be said. */
  readonly masks: string | null;
}

export interface Parts {
  /** The part of this width of what the model owns (null: everything). */
  readonly of: (width: number, modelMasks: Masks | null) => Part;
  /** The frame of masks that a part has, or the model; null for a digest that was never given out. */
  readonly frameOf: (digest: string) => Uint8Array | null;
  /** Gives masks out: their digest. */
  readonly publish: (masks: Masks) => string;
}

/** Rounds whose reports may still come, and whose masks differ. */
const MAX_MASKS = 8;

/** Masks that change forever must not pile up; who asks for older ones checks in anew. */
const MAX_FRAMES = 256;

/** Throws ConfigError when the plan does not fit what a sub-model owns. */
export function openParts(
  rules: readonly PlanRule[],
  manifest: Manifest,
  subModels: readonly SubModel[],
): Parts {
  /** Least recently given out first. */
  const frames = new Map<string, Uint8Array>();
  /** Of what the model owns, by width; least recently asked for first. */
  const made = new Map<Masks | null, Map<number, Part>>();

  const giveOut = (digest: string, masks: Masks): void => {
    const frame = frames.get(digest) ?? encodeFrame(encodeMasks(masks, manifest));
    frames.delete(digest);
    frames.set(digest, frame);
    if (frames.size > MAX_FRAMES) frames.delete(frames.keys().next().value!);
  };

  const publish = (masks: Masks): string => {
    const digest = masksDigest(masks, manifest);
    giveOut(digest, masks);
    return digest;
  };

  const make = (width: number, modelMasks: Masks | null): Part => {
    const masks = owned(slicesOf(subModels, width), modelMasks, manifest);
    return {
      width,
      plan: ownedPlan(rules, manifest, masks, "uplink"),
      masks: masks && masksDigest(masks, manifest),
    };
  };

  const of = (width: number, modelMasks: Masks | null): Part => {
    const ofMasks = made.get(modelMasks) ?? new Map<number, Part>();
    made.delete(modelMasks);
    made.set(modelMasks, ofMasks);
    if (made.size > MAX_MASKS) made.delete(made.keys().next().value!);
    const part = ofMasks.get(width) ?? make(width, modelMasks);
    ofMasks.set(width, part);
    // a part outlives its frame where the model's masks change and its own do not
    if (part.masks !== null) giveOut(part.masks, part.plan.masks);
    return part;
  };

  for (const { width } of subModels) of(width, null);
  return { of, publish, frameOf: (digest) => frames.get(digest) ?? null };
}

function slicesOf(subModels: readonly SubModel[], width: number): Masks | null {
  if (width === 1) return null;
  const found = subModels.find((subModel) => subModel.width === width);
  assert(found !== undefined, `width ${width} is one of the run's`);
  return found.masks;
}

/** What is in both; null when that is everything. */
function owned(slices: Masks | null, modelMasks: Masks | null, manifest: Manifest): Masks | null {
  if (slices === null || modelMasks === null) return slices ?? modelMasks;
  return new Map(
    manifest.tensors.map(({ name }) => [
      name,
      intersectionOf(maskIn(slices, name), maskIn(modelMasks, name)),
    ]),
  );
}
