import { describe, expect, it } from "vitest";
import { decodeDelta, emptyResidual, encodeDelta } from "../../src/compress/error-feedback.ts";
import { ownedPlan } from "../../src/compress/owned.ts";
import { planGroups } from "../../src/compress/plan.ts";
import { manifestOf, modelDigest } from "../../src/model/manifest.ts";
import type { PlanRule } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import type { Params } from "../../src/model/tensor.ts";
import { decodeFrame, encodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { applyDelta, decodeUpdate } from "../../src/wire/update.ts";
import { frames } from "../suites/frames.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const random = (seed: number): Params => {
  const rng = derive(seed, "params");
  const tensor = (...shape: number[]) => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => gaussian(rng)),
  });
  return new Map([
    ["b/kernel", tensor(20, 10)],
    ["a/bias", tensor(10)],
    ["c/kernel", tensor(10, 3)],
  ]);
};
const plan: readonly PlanRule[] = [
  { tensors: "*/bias", codec: { select: "all", values: "float16" }, errorFeedback: false },
  { tensors: "*", codec: { select: { topK: 0.05 }, values: "ternary" }, errorFeedback: true },
];

describe("decodeUpdate", () => {
  const manifest = manifestOf(random(1));
  const groups = planGroups(plan, manifest, "uplink");
  const { payloads, sent } = encodeDelta(groups, random(1), emptyResidual(groups), 4, 0);

  it("gives the message that was sent, tensors in the manifest's order", () => {
    const frame = decodeFrame(encodeFrame({ ...frames.update, payloads }), defaultLimits);
    if (frame.kind !== "update") expect.fail("an update comes back as one");
    const { tensors, ...rest } = decodeUpdate(frame, "client-1", ownedPlan(plan, manifest, null, "uplink"));
    const { round, baseVersion, numExamples, numSteps, trainLoss } = frames.update;
    expect(rest).toEqual({ clientId: "client-1", round, baseVersion, numExamples, numSteps, trainLoss });
    expect([...tensors.keys()]).toEqual(["b/kernel", "a/bias", "c/kernel"]);
    for (const [name, update] of tensors) expect(update).toEqual({ mask: null, delta: sent.get(name) });
  });

  it("refuses payloads that do not fit the plan", () => {
    const decode = (bad: readonly Uint8Array[]) =>
      decodeUpdate(
        { ...frames.update, payloads: bad },
        "client-1",
        ownedPlan(plan, manifest, null, "uplink"),
      );
    expect(wireErrorCode(() => decode(payloads.slice(1)))).toBe("bad-shape");
    expect(wireErrorCode(() => decode(payloads.toReversed()))).toBe("bad-codec");
  });
});

describe("applyDelta", () => {
  it("adds in float32 at the support, and nowhere else", () => {
    const before: Params = new Map([
      ["a", { shape: [3], data: Float32Array.of(0.1, -0, 16777216) }],
      ["b", { shape: [2], data: Float32Array.of(1, 2) }],
    ]);
    const after = applyDelta(
      before,
      new Map([
        ["a", { length: 3, support: Uint32Array.of(0, 2), values: Float32Array.of(0.2, 1) }],
        ["b", { length: 2, support: null, values: Float32Array.of(-1, 0.5) }],
      ]),
    );
    expect(after.get("a")!.data).toEqual(Float32Array.of(Math.fround(0.1) + Math.fround(0.2), -0, 16777216));
    expect(after.get("b")!.data).toEqual(Float32Array.of(0, 2.5));
    expect(before.get("b")!.data).toEqual(Float32Array.of(1, 2));
  });

  it("brings coordinator and client to the same bits", () => {
    const manifest = manifestOf(random(1));
    const groups = planGroups(plan, manifest, "downlink");
    let coordinator = random(2);
    let client = random(2);
    let residual = emptyResidual(groups);
    for (let version = 1; version <= 20; version++) {
      const encoded = encodeDelta(groups, random(100 + version), residual, Infinity, 0);
      residual = encoded.residual;
      coordinator = applyDelta(coordinator, encoded.sent);
      client = applyDelta(client, decodeDelta(groups, encoded.payloads));
      expect(modelDigest(client)).toBe(modelDigest(coordinator));
    }
  });
});
