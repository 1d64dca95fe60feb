import fc from "fast-check";
import { expect, it } from "vitest";
import { sliceOf, slicePositions, sliceShape } from "../../src/model/slice.ts";

const axis = fc
  .record({ parts: fc.integer({ min: 1, max: 3 }), period: fc.integer({ min: 1, max: 4 }) })
  .chain(({ parts, period }) =>
    fc.integer({ min: 1, max: period }).map((keep) => ({ size: parts * period, slice: { parts, keep } })),
  );
const slices = fc.array(axis, { minLength: 1, maxLength: 4 });

it("the leading part of every axis, by hand", () => {
  const slice = [
    { parts: 1, keep: 1 },
    { parts: 2, keep: 1 },
  ];
  expect([...slicePositions([2, 6], slice)]).toEqual([0, 3]);
  expect(sliceShape([2, 6], slice)).toEqual([1, 2]);
  // a flatten of 2 pixels with 3 channels, of which 2 are kept, into 4 units, of which 3 are
  const flattened = [
    { parts: 2, keep: 2 },
    { parts: 1, keep: 3 },
  ];
  expect([...slicePositions([6, 4], flattened)]).toEqual([0, 1, 2, 4, 5, 6, 12, 13, 14, 16, 17, 18]);
});

it("is found again in its coordinates", () => {
  fc.assert(
    fc.property(slices, (axes) => {
      const shape = axes.map(({ size }) => size);
      const slice = axes.map((a) => a.slice);
      const positions = slicePositions(shape, slice);
      const found = sliceOf(positions, shape)!;
      expect(slicePositions(shape, found)).toEqual(positions);
      expect(sliceShape(shape, found)).toEqual(sliceShape(shape, slice));
    }),
  );
});

it("is not found where there is none", () => {
  expect(sliceOf(Uint32Array.of(1, 2), [4])).toBeNull();
  expect(sliceOf(Uint32Array.of(0, 3), [4])).toBeNull();
  expect(sliceOf(Uint32Array.of(0, 1, 2), [2, 2])).toBeNull();
  expect(sliceOf(Uint32Array.of(0, 1, 3, 4, 6), [7])).toBeNull();
  expect(sliceOf(new Uint32Array(0), [4])).toBeNull();
});
