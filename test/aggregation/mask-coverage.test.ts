import { describe, expect, it } from "vitest";
import { type Ages, agesAfter } from "../../src/aggregation/mask-coverage.ts";
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
    expect([...agesAfter(two, of(at(2)), of(at(2, 3)), sizes).get("w")!]).toEqual([0, 0, 0, 3, 0]);
    expect(agesAfter(two, of(null), whole, sizes).get("w")).toBeNull();
  });
});
