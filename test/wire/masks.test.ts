import { describe, expect, it } from "vitest";
import { manifestDigest } from "../../src/model/manifest.ts";
import { describeFrame } from "../../src/wire/describe.ts";
import { encodeFrame, shortDigest } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { decodeMasks, encodeMasks } from "../../src/wire/masks.ts";
import { frames } from "../suites/frames.ts";
import { wireErrorOf } from "../suites/wire-error.ts";

const manifest = {
  tensors: [
    { name: "kernel", shape: [4, 3] },
    { name: "bias", shape: [3] },
    { name: "gain", shape: [] },
  ],
};
const masks = new Map([
  ["kernel", Uint32Array.of(0, 1, 3, 4)],
  ["bias", Uint32Array.of(1, 2)],
  ["gain", null],
]);

describe("the masks of a model", () => {
  const frame = encodeMasks(masks, manifest);

  it("come back from their frame", () => {
    expect(decodeMasks(frame, manifest)).toEqual(masks);
    expect([...decodeMasks(frame, manifest).keys()]).toEqual(["kernel", "bias", "gain"]);
  });

  it("are for the model that they were made for", () => {
    const other = { tensors: manifest.tensors.slice(0, 2) };
    expect(wireErrorOf(() => decodeMasks(frame, other)).code).toBe("wrong-manifest");
    const renamed = { ...frame, manifest: shortDigest(manifestDigest(other)) };
    expect(wireErrorOf(() => decodeMasks(renamed, other))).toMatchObject({
      code: "bad-shape",
      place: "masks",
    });
  });

  it("say which of them is no mask", () => {
    const broken = { ...frame, masks: frame.masks.with(1, Uint8Array.of(2, 0)) };
    expect(wireErrorOf(() => decodeMasks(broken, manifest))).toMatchObject({ place: "mask 1/bits" });
  });

  it("are described by their forms", () => {
    const fields = describeFrame(encodeFrame(frames.masks), defaultLimits);
    const shown = Object.fromEntries(fields.map(({ field, value }) => [field, value]));
    expect(shown).toMatchObject({
      masks: 3,
      "mask 0/form": "all",
      "mask 1/form": "slice",
      "mask 1/axis 0 keep": 3,
      "mask 1/axis 1 parts": 2,
      "mask 2/form": "bitmap",
      "mask 2/bits": "1 bytes",
    });
  });
});
