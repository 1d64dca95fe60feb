import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  densityOf,
  differenceOf,
  expand,
  intersectionOf,
  maskOf,
  masksDigest,
  ownedManifest,
  restrict,
  unionOf,
  zeroOutside,
} from "../../src/model/masks.ts";
import { type Positions, toDense } from "../../src/model/tensor.ts";

const LENGTH = 12;
const at = (...positions: number[]): Positions => Uint32Array.from(positions);
const flags = fc.array(fc.boolean(), { minLength: LENGTH, maxLength: LENGTH });
const masked = (owned: readonly boolean[]): Positions | null =>
  maskOf(Uint32Array.from(owned.flatMap((is, i) => (is ? [i] : []))), LENGTH);

describe("masks of one tensor", () => {
  it("unite, meet and differ as sets do, in their one form", () => {
    fc.assert(
      fc.property(flags, flags, (a, b) => {
        expect(unionOf(masked(a), masked(b), LENGTH)).toEqual(masked(a.map((is, i) => is || b[i]!)));
        expect(intersectionOf(masked(a), masked(b))).toEqual(masked(a.map((is, i) => is && b[i]!)));
        const left = a.flatMap((is, i) => (is && !b[i] ? [i] : []));
        expect([...differenceOf(masked(a), masked(b), LENGTH)]).toEqual(left);
      }),
    );
  });

  it("say what is in and what is out, by hand", () => {
    expect(unionOf(at(0, 2), at(1), 3)).toBeNull();
    expect(unionOf(at(0, 4), at(4, 5), 9)).toEqual(at(0, 4, 5));
    expect(intersectionOf(null, at(1, 3))).toEqual(at(1, 3));
    expect(intersectionOf(at(0, 1, 5), at(1, 2, 5))).toEqual(at(1, 5));
    expect(differenceOf(null, at(0, 2), 4)).toEqual(at(1, 3));
  });

  it("restrict a vector, and expand what became of it", () => {
    fc.assert(
      fc.property(flags, (owned) => {
        const mask = masked(owned);
        const vector = Float32Array.from({ length: LENGTH }, (_, i) => i + 1);
        const values = restrict(vector, mask);
        const back = expand({ length: values.length, support: null, values }, mask, LENGTH);
        expect(toDense(back)).toEqual(zeroOutside(vector, mask));
      }),
    );
    const sparse = { length: 3, support: at(0, 2), values: Float32Array.of(5, -6) };
    expect(expand(sparse, at(1, 4, 7), 9)).toEqual({ ...sparse, length: 9, support: at(1, 7) });
  });
});

describe("masks of a model", () => {
  const manifest = {
    tensors: [
      { name: "kernel", shape: [2, 3] },
      { name: "bias", shape: [3] },
      { name: "gain", shape: [] },
    ],
  };
  const masks = new Map([
    ["kernel", at(0, 1, 3, 4)],
    ["bias", at(0, 2)],
    ["gain", null],
  ]);

  it("own a share of it", () => {
    expect(densityOf(masks, manifest)).toBe(7 / 10);
  });

  it("make a smaller model, where a slice keeps its shape", () => {
    expect(ownedManifest(manifest, masks).tensors).toEqual([
      { name: "kernel", shape: [2, 2] },
      { name: "bias", shape: [2] },
      { name: "gain", shape: [] },
    ]);
    const nothing = new Map([...masks, ["bias", at()] as const]);
    expect(ownedManifest(manifest, nothing).tensors.map(({ name }) => name)).toEqual(["kernel", "gain"]);
  });

  it("have a digest, which tells apart what differs", () => {
    const digest = masksDigest(masks, manifest);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(masksDigest(new Map(masks), manifest)).toBe(digest);
    for (const bias of [at(0, 1), at(0), null])
      expect(masksDigest(new Map([...masks, ["bias", bias] as const]), manifest)).not.toBe(digest);
  });
});
