import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeDelta, emptyResidual, encodeDelta, type Residual } from "../../src/compress/error-feedback.ts";
import { planGroups } from "../../src/compress/plan.ts";
import type { Manifest } from "../../src/model/manifest.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { type Params, toDense } from "../../src/model/tensor.ts";
import { bitsOf } from "../suites/sparse.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const manifest: Manifest = {
  tensors: [
    { name: "kernel", shape: [10, 8] },
    { name: "bias", shape: [8] },
    { name: "head", shape: [40] },
  ],
};
const lossy: CodecSpec = { select: { topK: 0.1 }, values: "ternary" };
const groupsOf = (codec: CodecSpec, errorFeedback: boolean) =>
  planGroups(
    [
      { tensors: "bias", codec: { select: "all", values: "float16" }, errorFeedback: false },
      { tensors: "*", codec, errorFeedback },
    ],
    manifest,
    "uplink",
  );

function randomDelta(seed: number, round: number): Params {
  return new Map(
    manifest.tensors.map(({ name, shape }) => {
      const rng = derive(seed, name, round);
      const length = shape.reduce((a, b) => a * b, 1);
      return [name, { shape, data: Float32Array.from({ length }, () => gaussian(rng) * 0.01) }];
    }),
  );
}
const single = (...values: number[]): Params =>
  new Map([["w", { shape: [values.length], data: Float32Array.from(values) }]]);
const singleGroup = (codec: CodecSpec, length: number, errorFeedback = true) =>
  planGroups(
    [{ tensors: "*", codec, errorFeedback }],
    { tensors: [{ name: "w", shape: [length] }] },
    "uplink",
  );

function addTo(sum: Float64Array, start: number, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) sum[start + i]! += values[i]!;
}

describe("encodeDelta", () => {
  const specs: readonly CodecSpec[] = [
    lossy,
    { select: { topK: 0.05 }, values: "float32" },
    { select: { topK: 0.2 }, values: { uniform: 3 } },
    { select: "all", values: "ternary" },
    { select: "all", values: { uniform: 4 } },
    { select: { threshold: 0.01 }, values: "bfloat16" },
    { select: { randomK: 0.2 }, values: "ternary" },
    { select: { blocks: { keep: 1, of: 4 } }, values: { levels: 2 } },
    { select: "all", values: { uniform: 4, rounding: "stochastic" } },
    { select: { topK: 0.3 }, values: { qsgd: 4 } },
    { select: "all", values: { codebook: 4 } },
    { select: "all", values: { eden: 1 } },
  ];

  it("telescopes: what was sent and what is owed make up the true deltas", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.constantFrom(...specs), fc.constantFrom(0.01, 1), (seed, spec, bound) => {
        const groups = groupsOf(spec, true);
        let residual = emptyResidual(groups);
        const truth = new Float64Array(120);
        const sum = new Float64Array(120);
        for (let round = 0; round < 25; round++) {
          const delta = randomDelta(seed, round);
          const encoded = encodeDelta(groups, delta, residual, bound, 0);
          residual = encoded.residual;
          for (const [name, start] of [
            ["kernel", 0],
            ["head", 80],
          ] as const) {
            addTo(truth, start, delta.get(name)!.data);
            addTo(sum, start, toDense(encoded.sent.get(name)!));
          }
        }
        addTo(sum, 0, residual[1]!);
        expect(Math.max(...truth.map((v, i) => Math.abs(v - sum[i]!)))).toBeLessThan(1e-6);
      }),
      { numRuns: 40 },
    );
  });

  it("keeps the residual of a code that would be unbiased from growing", () => {
    // Unscaled, each of these multiplies its residual in every round.
    for (const spec of [
      { select: "all", values: { qsgd: 1 } },
      { select: "all", values: { uniform: 1, rounding: "stochastic" } },
      { select: "all", values: { eden: 1 } },
      { select: { randomK: 0.1 }, values: { qsgd: 1 } },
    ] as const) {
      const groups = groupsOf(spec, true);
      let residual = emptyResidual(groups);
      const norms: number[] = [];
      for (let round = 0; round < 400; round++) {
        residual = encodeDelta(groups, randomDelta(1, round), residual, 8, round).residual;
        norms.push(Math.hypot(...residual[1]!));
      }
      const [early, late] = [norms.slice(100, 200), norms.slice(300)].map((some) => Math.max(...some));
      expect(late, JSON.stringify(spec)).toBeLessThan(2 * early!);
    }
  });

  it("draws anew for every seed and group, and the same for the same", () => {
    const groups = planGroups(
      [
        { tensors: "kernel", codec: { select: "all", values: { qsgd: 4 } }, errorFeedback: false },
        { tensors: "*", codec: { select: "all", values: { qsgd: 4 } }, errorFeedback: false },
      ],
      { tensors: manifest.tensors.slice(0, 1).concat({ name: "twin", shape: [10, 8] }) },
      "uplink",
    );
    const { data } = randomDelta(1, 0).get("kernel")!;
    const delta: Params = new Map(["kernel", "twin"].map((name) => [name, { shape: [10, 8], data }]));
    const payloads = (seed: number) => encodeDelta(groups, delta, emptyResidual(groups), 8, seed).payloads;
    expect(payloads(1)).toEqual(payloads(1));
    expect(payloads(1)[0]).not.toEqual(payloads(1)[1]);
    expect(payloads(1)[0]).not.toEqual(payloads(2)[0]);
  });

  it("says what was sent to the bit", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.constantFrom(...specs), (seed, spec) => {
        const groups = groupsOf(spec, true);
        const { payloads, sent } = encodeDelta(groups, randomDelta(seed, 0), emptyResidual(groups), 1, 0);
        const decoded = decodeDelta(groups, payloads);
        expect([...decoded.keys()]).toEqual([...sent.keys()]);
        for (const [name, vector] of sent) expect(bitsOf(decoded.get(name)!)).toEqual(bitsOf(vector));
      }),
    );
  });

  it("leaves delta and residual as they were", () => {
    const groups = groupsOf(lossy, true);
    const delta = randomDelta(1, 0);
    const owed: Residual = [null, Float32Array.from({ length: 120 }, (_, i) => i / 1000)];
    encodeDelta(groups, delta, owed, 0.005, 0);
    expect(delta).toEqual(randomDelta(1, 0));
    expect(owed).toEqual([null, Float32Array.from({ length: 120 }, (_, i) => i / 1000)]);
  });

  it("keeps for later what exceeds the bound, by hand", () => {
    const groups = singleGroup({ select: "all", values: "float32" }, 3);
    const first = encodeDelta(groups, single(5, -1, -3), emptyResidual(groups), 2, 0);
    expect([...first.sent.get("w")!.values]).toEqual([2, -1, -2]);
    expect([...first.residual[0]!]).toEqual([3, 0, -1]);
    const second = encodeDelta(groups, single(0, 0.5, 0), first.residual, 2, 0);
    expect([...second.sent.get("w")!.values]).toEqual([2, 0.5, -1]);
    expect([...second.residual[0]!]).toEqual([1, 0, 0]);
  });

  it("owes nothing without error feedback", () => {
    const groups = singleGroup({ select: { topK: 0.3 }, values: "float32" }, 3, false);
    const { sent, residual } = encodeDelta(groups, single(5, -1, -3), emptyResidual(groups), 2, 0);
    expect(residual).toEqual([null]);
    expect(bitsOf(sent.get("w")!)).toEqual(
      bitsOf({ length: 3, support: Uint32Array.of(0), values: Float32Array.of(2) }),
    );
  });

  it("sends nothing above the bound, whatever the codec", () => {
    fc.assert(
      fc.property(
        fc.nat(1000),
        fc.constantFrom(...specs),
        fc.integer({ min: -20, max: 2 }),
        (seed, spec, exponent) => {
          const groups = groupsOf(spec, true);
          const { sent } = encodeDelta(groups, randomDelta(seed, 0), emptyResidual(groups), 2 ** exponent, 0);
          for (const { values } of sent.values())
            for (const value of values) expect(Math.abs(value)).toBeLessThanOrEqual(2 ** exponent);
        },
      ),
    );
  });

  it("selects over all tensors of a group at once", () => {
    const groups = groupsOf({ select: { topK: 0.1 }, values: "float32" }, true);
    const delta = new Map(randomDelta(3, 0));
    delta.set("head", { shape: [40], data: new Float32Array(40).fill(1) });
    const { sent } = encodeDelta(groups, delta, emptyResidual(groups), 1, 0);
    expect(sent.get("head")!.values.length).toBe(12); // a tenth of 80 + 40, all in the tensor of large values
    expect(sent.get("kernel")!.values.length).toBe(0);
  });

  it("refuses a delta that is no number, and one that becomes none with what is owed", () => {
    const groups = singleGroup({ select: "all", values: "float32" }, 1);
    for (const value of [Number.NaN, Infinity])
      expect(wireErrorCode(() => encodeDelta(groups, single(value), emptyResidual(groups), 1, 0))).toBe(
        "not-finite",
      );
    const owed = [Float32Array.of(3e38)];
    expect(wireErrorCode(() => encodeDelta(groups, single(3e38), owed, 1, 0))).toBe("not-finite");
  });
});

describe("decodeDelta", () => {
  it("wants one payload a group", () => {
    const groups = groupsOf(lossy, true);
    const { payloads } = encodeDelta(groups, randomDelta(1, 0), emptyResidual(groups), 1, 0);
    expect(wireErrorCode(() => decodeDelta(groups, payloads.slice(1)))).toBe("bad-shape");
    expect(wireErrorCode(() => decodeDelta(groups, [...payloads, payloads[0]!]))).toBe("bad-shape");
    expect(wireErrorCode(() => decodeDelta(groups, [...payloads].reverse()))).toBe("bad-codec");
  });
});
