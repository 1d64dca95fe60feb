import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layerCounts } from "../../src/aggregation/mask-budget.ts";
import {
  type Ballot,
  type MaskPolicy,
  nextMasks,
  type Uncovered,
} from "../../src/aggregation/mask-policy.ts";
import { maskOf } from "../../src/model/masks.ts";
import { sizeOf } from "../../src/model/tensor.ts";

/** Three clients of weight 1, 2 and 3 own the first 5, 3 and 2 of six coordinates; the last has no owner. */
const ballot: Ballot = {
  shape: [2, 3],
  votes: [6, 6, 3, 1, 1, 0],
  total: 6,
  values: Float32Array.of(0.1, -0.5, 0.2, -4, 1, 9),
  mask: null,
  age: Uint16Array.of(0, 0, 0, 0, 0, 2),
};
const DROP = { dropAfter: 2 };
const kept = (policy: MaskPolicy, uncovered: "keep" | "drop" | Uncovered, of: Ballot = ballot) => {
  const rule = uncovered === "drop" ? DROP : uncovered;
  const mask = nextMasks(policy, rule, new Map([["kernel", of]])).get("kernel")!;
  return mask === null ? null : [...mask];
};
const budget = (density: number, by: "votes" | "magnitude" | "votes-by-magnitude"): MaskPolicy => ({
  budget: { density, layers: "uniform", by },
});

describe("which coordinates stay", () => {
  it("by hand", () => {
    expect(kept("union", "drop")).toEqual([0, 1, 2, 3, 4]);
    expect(kept("union", "keep")).toBeNull();
    expect(kept("union", { dropAfter: 3 })).toBeNull();
    expect(kept("intersection", "drop")).toEqual([0, 1]);
    expect(kept("intersection", "keep")).toEqual([0, 1, 5]);
    expect(kept({ majority: 0.5 }, "drop")).toEqual([0, 1, 2]);
    expect(kept({ majority: 0.51 }, "drop")).toEqual([0, 1]);
    expect(kept({ majority: 1e-9 }, "drop")).toEqual([0, 1, 2, 3, 4]);
  });

  it("within a budget: of equal votes the larger value, and by the product", () => {
    expect(kept(budget(0.5, "votes"), "keep")).toEqual([0, 1, 2]);
    expect(kept(budget(4 / 6, "votes"), "keep")).toEqual([0, 1, 2, 3]);
    expect(kept(budget(0.5, "magnitude"), "keep")).toEqual([3, 4, 5]);
    expect(kept(budget(0.5, "magnitude"), "drop")).toEqual([1, 3, 4]);
    // 0.1, 0.5, 0.1, 0.667, 0.167, 0
    expect(kept(budget(0.5, "votes-by-magnitude"), "keep")).toEqual([1, 3, 4]);
  });

  it("never brings back what the model does not own", () => {
    expect(kept("union", "keep", { ...ballot, mask: Uint32Array.of(1, 4, 5) })).toEqual([1, 4, 5]);
    expect(kept("union", "drop", { ...ballot, mask: Uint32Array.of(1, 4, 5) })).toEqual([1, 4]);
    expect(kept(budget(1, "magnitude"), "drop", { ...ballot, mask: Uint32Array.of(5) })).toEqual([]);
  });

  it("is all when everybody owns all, but for a budget, which leaves vectors whole", () => {
    const all = { ...ballot, votes: null };
    for (const policy of ["union", "intersection", { majority: 1 }] as const)
      expect(kept(policy, "drop", all)).toBeNull();
    expect(kept(budget(1 / 3, "magnitude"), "drop", all)).toEqual([3, 5]);
    expect(kept(budget(1 / 3, "magnitude"), "drop", { ...all, shape: [6] })).toBeNull();
  });
});

const shapes = fc.array(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 4,
});

describe("a budget", () => {
  it("by hand: erk keeps more of what is small", () => {
    const tensors = new Map([
      ["a", { shape: [2, 2] }],
      ["b", { shape: [10, 10] }],
      ["bias", { shape: [10] }],
    ]);
    expect([...layerCounts({ density: 0.25, layers: "uniform" }, tensors)]).toEqual([
      ["a", 1],
      ["b", 25],
    ]);
    // raw shares 1 and 0.2; 26 = scale * (4 + 20): 1.08 of a is more than all, so b gets (26 - 4) / 100
    expect([...layerCounts({ density: 0.25, layers: "erk" }, tensors)]).toEqual([
      ["a", 4],
      ["b", 22],
    ]);
    // 13 = scale * 24
    expect([...layerCounts({ density: 0.125, layers: "erk" }, tensors)]).toEqual([
      ["a", 2],
      ["b", 10],
    ]);
  });

  it("is never exceeded, whatever the votes", () => {
    fc.assert(
      fc.property(
        shapes,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.constantFrom("uniform" as const, "erk" as const),
        fc.constantFrom("votes" as const, "magnitude" as const, "votes-by-magnitude" as const),
        fc.constantFrom("keep" as const, { dropAfter: 1 }),
        fc.infiniteStream(fc.integer({ min: -3, max: 3 })),
        (all, density, layers, by, uncovered, stream) => {
          const next = () => stream.next().value!;
          const ballots = new Map(
            all.map((shape, i): [string, Ballot] => {
              const values = Float32Array.from({ length: sizeOf(shape) }, next);
              const votes = values.map(() => Math.abs(next()));
              const mask = maskOf(
                Uint32Array.from(values.keys()).filter(() => next() !== 0),
                values.length,
              );
              const age = Uint16Array.from(votes, (weight) => (weight > 0 ? 0 : 1));
              return [`tensor ${i}`, { shape, votes, total: 3, values, mask, age }];
            }),
          );
          const masks = nextMasks({ budget: { density, layers, by } }, uncovered, ballots);
          let [owned, size] = [0, 0];
          for (const [name, { shape, mask: before }] of ballots) {
            const mask = masks.get(name)!;
            if (shape.length > 1) owned += mask?.length ?? sizeOf(shape);
            if (shape.length > 1) size += sizeOf(shape);
            if (before !== null) expect(mask?.every((at) => before.includes(at))).toBe(true);
          }
          expect(owned).toBeLessThanOrEqual(density * size + 1e-9);
        },
      ),
    );
  });
});
