import { describe, expect, it } from "vitest";
import { emptyResidual } from "../../src/compress/error-feedback.ts";
import { decodeOwned, encodeOwned, ownedPlan } from "../../src/compress/owned.ts";
import { planDigest } from "../../src/compress/plan.ts";
import { ConfigError } from "../../src/model/error.ts";
import type { PlanRule } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { type Params, toDense } from "../../src/model/tensor.ts";

const manifest = {
  tensors: [
    { name: "a/kernel", shape: [4, 3] },
    { name: "a/bias", shape: [3] },
    { name: "b/kernel", shape: [3, 2] },
    { name: "b/bias", shape: [2] },
  ],
};
const rules: readonly PlanRule[] = [
  { tensors: "*/bias", codec: { select: "all", values: "float32" }, errorFeedback: false },
  { tensors: "*", codec: { select: { topK: 0.25 }, values: "float32" }, errorFeedback: true },
];
/** The first two outputs of a, both inputs of b that they are, and nothing of b's bias. */
const masks = new Map([
  ["a/kernel", Uint32Array.of(0, 1, 3, 4, 6, 7, 9, 10)],
  ["a/bias", Uint32Array.of(0, 1)],
  ["b/kernel", Uint32Array.of(0, 1, 2, 3)],
  ["b/bias", new Uint32Array(0)],
]);
const rng = derive(1, "owned");
const delta: Params = new Map(
  manifest.tensors.map(({ name, shape }) => {
    const data = Float32Array.from({ length: shape.reduce((n, m) => n * m, 1) }, () => gaussian(rng));
    return [name, { shape, data }];
  }),
);

describe("a plan for what is owned", () => {
  const plan = ownedPlan(rules, manifest, masks, "uplink");

  it("has groups of owned coordinates, with their places in the whole", () => {
    expect(plan.groups.map(({ length }) => length)).toEqual([2, 12]);
    expect(plan.groups.map(({ mask }) => [...mask!])).toEqual([
      [0, 1],
      [0, 1, 3, 4, 6, 7, 9, 10, 12, 13, 14, 15],
    ]);
    expect(plan.whole.map(({ length }) => length)).toEqual([5, 18]);
  });

  it("has a digest of its own, but when all is owned that of the plan", () => {
    const all = ownedPlan(rules, manifest, null, "uplink");
    expect(all.digest).toBe(planDigest(rules, manifest));
    const other = new Map([...masks, ["a/bias", Uint32Array.of(0, 2)] as const]);
    const digests = [all, plan, ownedPlan(rules, manifest, other, "uplink")].map(({ digest }) => digest);
    expect(new Set(digests).size).toBe(3);
  });

  it("sends what is owned and keeps the residual of what is not", () => {
    const before = emptyResidual(plan.whole).map((vector) => vector?.fill(7) ?? null);
    const { payloads, residual } = encodeOwned(plan, delta, before, 1024, 3);
    const sent = decodeOwned(plan, payloads);
    let numSent = 0;
    for (const { name } of manifest.tensors) {
      const { support } = sent.get(name)!;
      expect([...support!].every((at) => masks.get(name)!.includes(at))).toBe(true);
      if (name.endsWith("kernel")) numSent += support!.length;
    }
    expect(numSent).toBe(3); // a quarter of 12
    expect(toDense(sent.get("a/bias")!)).toEqual(delta.get("a/bias")!.data.map((v, i) => (i < 2 ? v : 0)));
    // sent + residual = 7 + delta where it is owned, 7 elsewhere
    const kept = [...toDense(sent.get("a/kernel")!), ...toDense(sent.get("b/kernel")!)];
    const wanted = [...delta.get("a/kernel")!.data, ...delta.get("b/kernel")!.data];
    kept.forEach((value, at) => {
      const owned = plan.groups[1]!.mask!.includes(at);
      expect(value + residual[1]![at]!).toBeCloseTo(owned ? 7 + wanted[at]! : 7, 5);
    });
  });

  it("is refused when a codec does not fit what is owned", () => {
    const lowRank: readonly PlanRule[] = [
      { tensors: "a/kernel", codec: { select: { lowRank: 1 }, values: "float32" }, errorFeedback: true },
      { tensors: "*", codec: { select: "all", values: "float32" }, errorFeedback: false },
    ];
    expect(() => ownedPlan(lowRank, manifest, masks, "uplink")).not.toThrow(); // 4 by 2
    const scattered = new Map([...masks, ["a/kernel", Uint32Array.of(0, 4, 5)] as const]);
    expect(() => ownedPlan(lowRank, manifest, scattered, "uplink")).toThrow(ConfigError);
  });
});
