import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundedDrift, regrown, regrowShare } from "../../src/aggregation/mask-regrow.ts";
import { maskOf } from "../../src/model/masks.ts";

const at = (...positions: number[]) => Uint32Array.from(positions);
const SIZE = 10;
const masks = fc.subarray([...Array(SIZE).keys()]).map((owned) => maskOf(Uint32Array.from(owned), SIZE));
const values = fc
  .array(fc.integer({ min: -4, max: 4 }), { minLength: SIZE, maxLength: SIZE })
  .map((numbers) => Float32Array.from(numbers));
const positionsOf = (mask: Uint32Array | null) => new Set(mask ?? Array(SIZE).keys());
const without = (a: ReadonlySet<number>, b: ReadonlySet<number>) => [...a].filter((x) => !b.has(x));

describe("pruning and growing again", () => {
  it("by hand: the smallest values go, the largest deltas outside come", () => {
    const mask = at(0, 1, 2, 3);
    const weights = Float32Array.of(3, -0.1, 0.2, 5, 0, 0, 0, 0);
    const growth = Float32Array.of(9, 9, 9, 9, 0, -2, 1, 0);
    expect([...regrown(mask, weights, growth, 0.25)!]).toEqual([0, 2, 3, 5]);
    expect([...regrown(mask, weights, growth, 0.5)!]).toEqual([0, 3, 5, 6]);
    expect([...regrown(mask, weights, growth, 0.99)!]).toEqual([0, 3, 5, 6]); // only two have grown
    expect([...regrown(mask, weights, growth, 0.2)!]).toEqual([0, 1, 2, 3]);
    expect(regrown(null, weights, growth, 0.5)).toBeNull();
  });

  it("keeps the density, and exchanges no more than the share", () => {
    fc.assert(
      fc.property(
        masks,
        values,
        values,
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (mask, w, g, share) => {
          const next = regrown(mask, w, g, share);
          const [before, after] = [positionsOf(mask), positionsOf(next)];
          expect(after.size).toBe(before.size);
          const come = without(after, before);
          expect(come.length).toBeLessThanOrEqual(share * before.size);
          expect(come.every((i) => g[i] !== 0)).toBe(true);
        },
      ),
    );
  });

  it("less and less, by half a cosine", () => {
    const rule = { fraction: 0.4, numRounds: 100 };
    expect(regrowShare(rule, 50)).toBeCloseTo(0.2, 12);
    expect(regrowShare(rule, 10)).toBeCloseTo(0.2 * (1 + Math.cos(Math.PI / 10)), 12);
    expect(regrowShare(rule, 100)).toBe(0);
  });
});

describe("drift", () => {
  it("by hand", () => {
    const w = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    expect([...boundedDrift(at(0, 1, 2), at(7, 8, 9), w, 1)!]).toEqual([1, 2, 9]);
    expect([...boundedDrift(at(0, 1, 2), at(7, 8, 9), w, 2)!]).toEqual([2, 8, 9]);
    expect([...boundedDrift(at(0, 1, 2), at(0, 1, 2, 3, 4), w, 1)!]).toEqual([0, 1, 2, 4]);
    expect([...boundedDrift(null, at(3), w, 4)!]).toEqual([3, 5, 6, 7, 8, 9]);
  });

  it("is bounded, goes towards what is wanted and never beyond the larger of both", () => {
    fc.assert(
      fc.property(masks, masks, values, fc.nat(SIZE), (mask, wanted, w, most) => {
        const next = positionsOf(boundedDrift(mask, wanted, w, most));
        const [before, target] = [positionsOf(mask), positionsOf(wanted)];
        expect(without(next, before).length).toBeLessThanOrEqual(most);
        expect(without(before, next).length).toBeLessThanOrEqual(most);
        expect([...next].every((i) => before.has(i) || target.has(i))).toBe(true);
        expect(next.size).toBeLessThanOrEqual(Math.max(before.size, target.size));
        if (most === SIZE) expect(next).toEqual(target);
      }),
    );
  });
});
