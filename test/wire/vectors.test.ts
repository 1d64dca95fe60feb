import { describe, expect, it } from "vitest";
import { ownedPlan } from "../../src/compress/owned.ts";
import { manifestDigest, modelDigest } from "../../src/model/manifest.ts";
import { masksDigest } from "../../src/model/masks.ts";
import type { Masks } from "../../src/model/tensor.ts";
import { decodeFrame, encodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { bytesOf, digestVectors, frameOf, frameVectors, hexOf, paramsOf } from "../suites/vectors.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const masksOf = (json: (typeof digestVectors.masks)[number]["masks"]): Masks =>
  new Map(json.map(([name, mask]) => [name, mask && Uint32Array.from(mask)]));

describe("golden frames", () => {
  it.each(frameVectors.valid)("$name", ({ frame, hex }) => {
    expect(hexOf(encodeFrame(frameOf(frame)))).toBe(hex);
    expect(decodeFrame(bytesOf(hex), defaultLimits)).toEqual(frameOf(frame));
  });
});

describe("frames to refuse", () => {
  it.each(frameVectors.invalid)("$name: $code", ({ hex, code }) => {
    expect(wireErrorCode(() => decodeFrame(bytesOf(hex), defaultLimits))).toBe(code);
  });
});

describe("golden digests", () => {
  it.each(digestVectors.manifests)("of a manifest: $digest", ({ manifest, digest }) => {
    expect(manifestDigest(manifest)).toBe(digest);
  });

  it.each(digestVectors.models)("of a model: $digest", ({ params, digest }) => {
    expect(modelDigest(paramsOf(params))).toBe(digest);
  });

  it.each(digestVectors.masks)("of masks: $digest", ({ manifest, masks, digest }) => {
    expect(masksDigest(masksOf(masks), manifest)).toBe(digest);
  });

  it.each(digestVectors.ownedPlans)("of a plan with masks: $digest", ({ rules, manifest, masks, digest }) => {
    expect(ownedPlan(rules, manifest, masksOf(masks), "uplink").digest).toBe(digest);
  });
});
