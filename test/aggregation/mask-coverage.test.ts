import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Ages, agesAfter, includeOverdue, overdue } from "../../src/aggregation/mask-coverage.ts";
import { maskOf } from "../../src/model/masks.ts";
import type { Masks } from "../../src/model/tensor.ts";

const at = (...positions: number[]) => Uint32Array.from(positions);
const sizes = new Map([["w", 5]]);
const of = (mask: Uint32Array | null): Masks => new Map([["w", mask]]);
const none: Ages = new Map([["w", null]]);

describe("rounds since a coordinate was covered", () => {
  it("by hand", () => {
    const whole = of(null);
    const one = agesAfter(none, of(at(0, 1)), whole, sizes);
    expect([...one.get("w")!]).toEqual([0, 0, 1, 1, 1]);
    const two = agesAfter(one, of(at(2)), whole, sizes);
    expect([...two.get("w")!]).toEqual([1, 1, 0, 2, 2]);
    expect([...overdue(two, 2).get("w")!]).toEqual([3, 4]);
    expect([...agesAfter(two, of(at(2)), of(at(2, 3)), sizes).get("w")!]).toEqual([0, 0, 0, 3, 0]);
    expect(agesAfter(two, of(null), whole, sizes).get("w")).toBeNull();
  });

  it("what is overdue goes to the client that owns most", () => {
    const cohort = new Map([
      ["small", of(at(0))],
      ["large", of(at(0, 1, 2))],
    ]);
    const late = overdue(new Map([["w", Uint16Array.of(0, 0, 0, 3, 4)]]), 3);
    const given = includeOverdue(cohort, late, sizes);
    expect([...given.get("small")!.get("w")!]).toEqual([0]);
    expect(given.get("large")!.get("w")).toBeNull();
  });

  it("with forced inclusion nobody waits for longer than the limit", () => {
    const rounds = fc.array(fc.array(fc.subarray([0, 1, 2, 3, 4]), { minLength: 1, maxLength: 3 }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(rounds, fc.integer({ min: 1, max: 4 }), (history, limit) => {
        let ages = none;
        for (const cohort of history) {
          const wanted = new Map(cohort.map((mask, id) => [id, of(maskOf(Uint32Array.from(mask), 5))]));
          const given = includeOverdue(wanted, overdue(ages, limit), sizes);
          const union = new Set<number>();
          for (const masks of given.values())
            for (const position of masks.get("w") ?? [0, 1, 2, 3, 4]) union.add(position);
          ages = agesAfter(ages, of(maskOf(Uint32Array.from([...union].sort()), 5)), of(null), sizes);
          expect(Math.max(0, ...(ages.get("w") ?? []))).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });
});
