import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ownedParams } from "../../src/model/masks.ts";
import type { Params, Tensor } from "../../src/model/tensor.ts";
import { decodeFrame, encodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { applyPatch, encodePatch, numDiffering } from "../../src/wire/patch.ts";
import { bytesOf, hexOf, paramsOf, patchVectors } from "../suites/vectors.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const patternsOf = (params: Params): readonly number[] =>
  [...params.values()].flatMap(({ data }) => [...new Uint32Array(data.buffer, data.byteOffset, data.length)]);

/** The model of `like` with these bits. */
function withPatterns(like: Params, patterns: readonly number[]): Params {
  const floats = new Float32Array(Uint32Array.from(patterns).buffer);
  let at = 0;
  return new Map(
    [...like].map(([name, { shape, data }]): [string, Tensor] => {
      at += data.length;
      return [name, { shape, data: floats.slice(at - data.length, at) }];
    }),
  );
}

function applied(bytes: Uint8Array, origin: Params): Params {
  const frame = decodeFrame(bytes, defaultLimits);
  if (frame.kind !== "patch") throw new Error(frame.kind);
  return applyPatch(frame, origin);
}

describe("golden patches", () => {
  it.each(patchVectors.valid)("$name", ({ origin: json, version, masks, patterns, hex, decodeOnly }) => {
    const origin = paramsOf(json);
    const owned = masks && new Map(masks.map(([name, mask]) => [name, mask && Uint32Array.from(mask)]));
    const model = withPatterns(origin, patterns);
    if (!decodeOnly) expect(hexOf(encodeFrame(encodePatch(version, origin, model, owned ?? null)))).toBe(hex);
    expect(patternsOf(ownedParams(applied(bytesOf(hex), origin), owned ?? null))).toEqual(patterns);
  });

  it.each(patchVectors.invalid)("$name: $code", ({ origin, hex, code }) => {
    expect(wireErrorCode(() => applied(bytesOf(hex), paramsOf(origin)))).toBe(code);
  });
});

/** Any float32 that is a number, by its bits: zeros of both signs and denormals as often as others. */
const pattern = fc.oneof(
  fc.nat({ max: 0x7f7fffff }),
  fc.nat({ max: 0x7f7fffff }).map((bits) => (bits | 0x80000000) >>> 0),
  fc.constantFrom(0, 0x80000000, 1, 0x80000001, 0x7f7fffff, 0xff7fffff, 0x3f800000),
);

const model = (patterns: readonly number[]): Params =>
  withPatterns(
    new Map([
      ["a", { shape: [patterns.length - 1], data: new Float32Array(patterns.length - 1) }],
      ["b", { shape: [], data: new Float32Array(1) }],
    ]),
    patterns,
  );

describe("a patch", () => {
  it("brings back every bit of any model from any other", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(pattern, pattern, fc.nat({ max: 3 })), { minLength: 2, maxLength: 300 }),
        (rows) => {
          const before = rows.map(([one]) => one);
          const after = rows.map(([one, other, how]) =>
            how === 0 ? one : how === 1 ? other : (one ^ (how - 1)) >>> 0,
          );
          const [origin, target] = [model(before), model(after)];
          const bytes = encodeFrame(encodePatch(3, origin, target, null));
          expect(patternsOf(applied(bytes, origin))).toEqual(after);
          expect(patternsOf(origin)).toEqual(before);
          expect(numDiffering(origin, target, null)).toBe(
            after.filter((bits, i) => bits !== before[i]).length,
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it("takes a third off where few and like steps were added, and never more than a byte a value for its form", () => {
    const size = 4000;
    const values = Float32Array.from({ length: size }, (_, i) => Math.sin(i) / 8);
    const origin: Params = new Map([["a", { shape: [size], data: values }]]);
    const stepped = values.map((v, i) => (i % 5 === 0 ? Math.fround(v + 0.0123) - 0.0456 : v));
    const { planes } = encodePatch(9, origin, new Map([["a", { shape: [size], data: stepped }]]), null);
    expect(planes[0]).toBeGreaterThanOrEqual(64);
    expect(planes.length).toBeLessThan((2 / 3) * 4 * (size / 5));
    const odd = values.map((_, i) => Math.fround(Math.cos(7 * i) * 10 ** ((i % 60) - 30)));
    const other = encodePatch(9, origin, new Map([["a", { shape: [size], data: odd }]]), null);
    expect(other.planes[0]).toBeLessThan(16);
    expect(other.planes.length).toBeLessThanOrEqual(1 + 4 * size);
  });

  it("says nothing of what the model does not own", () => {
    const origin = model([...Array(20).keys()].map((i) => 0x3f800000 + i));
    const masks = new Map([
      ["a", Uint32Array.of(3, 5)],
      ["b", null],
    ]);
    const owned = ownedParams(origin, masks);
    expect(numDiffering(origin, owned, masks)).toBe(0);
    expect(numDiffering(origin, owned, null)).toBe(17);
    const bytes = encodeFrame(encodePatch(4, origin, owned, masks));
    expect(patternsOf(ownedParams(applied(bytes, origin), masks))).toEqual(patternsOf(owned));
  });
});
