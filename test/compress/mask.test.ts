import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeMask, encodeMask } from "../../src/compress/mask.ts";
import { drawPositions } from "../../src/compress/positions/seed.ts";
import { WireError } from "../../src/model/error.ts";
import { maskOf } from "../../src/model/masks.ts";
import { slicePositions } from "../../src/model/slice.ts";
import { sizeOf } from "../../src/model/tensor.ts";
import { bytesOf, hexOf, maskVectors } from "../suites/vectors.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const shapes = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 4 });
const masks = shapes.chain((shape) =>
  fc.subarray([...Array(sizeOf(shape)).keys()]).map((owned) => ({
    shape,
    mask: maskOf(Uint32Array.from(owned), sizeOf(shape)),
  })),
);

describe("golden masks", () => {
  it.each(maskVectors.valid)("$name", ({ shape, seed, positions, hex, decodeOnly }) => {
    const mask = positions && Uint32Array.from(positions);
    const bytes = encodeMask(mask, shape, seed);
    if (decodeOnly) expect(bytes.length).toBeLessThan(hex.length / 2);
    else expect(hexOf(bytes)).toBe(hex);
    expect(decodeMask(bytesOf(hex), shape, "mask")).toEqual(mask);
  });

  it.each(maskVectors.invalid)("$name: $code", ({ shape, hex, code }) => {
    expect(wireErrorCode(() => decodeMask(bytesOf(hex), shape, "mask"))).toBe(code);
  });
});

describe("a mask in bytes", () => {
  it("comes back", () => {
    fc.assert(
      fc.property(masks, ({ shape, mask }) => {
        expect(decodeMask(encodeMask(mask, shape), shape, "mask")).toEqual(mask);
      }),
    );
  });

  it("is a mask or is refused, whichever bits flip", () => {
    fc.assert(
      fc.property(masks, ({ shape, mask }) => {
        const bytes = encodeMask(mask, shape);
        for (let bit = 0; bit < 8 * bytes.length; bit++) {
          const flipped = bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7)));
          try {
            const decoded = decodeMask(flipped, shape, "mask");
            if (decoded === null) continue;
            expect(decoded.length).toBeLessThan(sizeOf(shape));
            expect(decoded.every((at, i) => at < sizeOf(shape) && (i === 0 || at > decoded[i - 1]!))).toBe(
              true,
            );
          } catch (error) {
            if (!(error instanceof WireError)) throw error;
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it("ends where it ends", () => {
    fc.assert(
      fc.property(masks, ({ shape, mask }) => {
        const bytes = encodeMask(mask, shape);
        for (let length = 0; length < bytes.length; length++)
          expect(["truncated", "bad-positions"]).toContain(
            wireErrorCode(() => decodeMask(bytes.subarray(0, length), shape, "mask")),
          );
        expect(wireErrorCode(() => decodeMask(Uint8Array.of(...bytes, 0), shape, "mask"))).toBe("trailing");
      }),
    );
  });

  it("is a few bytes when a rule makes it, whatever the size", () => {
    const shape = [5, 5, 64, 128];
    const half = slicePositions(
      shape,
      [5, 5, 32, 64].map((keep) => ({ parts: 1, keep })),
    );
    expect(encodeMask(half, shape).length).toBe(9);
    const drawn = drawPositions(7, 40_000, sizeOf(shape));
    expect(encodeMask(drawn, shape, 7).length).toBe(8);
    expect(encodeMask(drawn, shape, 8).length).toBeGreaterThan(10_000);
    const pairs = Uint32Array.from({ length: 100 }, (_, i) => 4 * (i >> 1) + (i & 1) * (1 + ((i >> 1) % 3)));
    expect(encodeMask(pairs, [200])[0]).toBe(6);
    expect(decodeMask(encodeMask(pairs, [200]), [200], "mask")).toEqual(pairs);
  });
});
