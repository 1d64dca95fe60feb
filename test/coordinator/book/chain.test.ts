import { expect, test } from "vitest";
import { followFrames } from "../../../src/client/model-chain.ts";
import { decodeDelta } from "../../../src/compress/error-feedback.ts";
import { planDigest, planGroups } from "../../../src/compress/plan.ts";
import { type CatchUp, openChain, versionZero } from "../../../src/coordinator/book/chain.ts";
import { manifestDigest, manifestOf, modelDigest } from "../../../src/model/manifest.ts";
import { ownedParams } from "../../../src/model/masks.ts";
import type { PlanRule, Task } from "../../../src/model/protocol.ts";
import { derive, gaussian } from "../../../src/model/rng.ts";
import type { Masks, Params } from "../../../src/model/tensor.ts";
import { encodeFrame, shortDigest } from "../../../src/wire/frame.ts";
import { defaultLimits } from "../../../src/wire/limits.ts";
import { encodeMasks } from "../../../src/wire/masks.ts";
import { applyDelta } from "../../../src/wire/update.ts";

const SIZE = 2000;
const source = { zoo: "any", seed: 1 };
const rules: readonly PlanRule[] = [
  { tensors: "*", codec: { select: { topK: 0.05 }, values: "ternary" }, errorFeedback: false },
];
const rng = derive(1, "chain");
const initial: Params = new Map([
  ["a", { shape: [SIZE], data: Float32Array.from({ length: SIZE }, () => gaussian(rng) / 8) }],
]);
const manifest = manifestOf(initial);
const groups = planGroups(rules, manifest, "downlink");
const [manifestId, plan] = [shortDigest(manifestDigest(manifest)), shortDigest(planDigest(rules, manifest))];
const task = { uplink: rules, downlink: rules, manifest, train: {} } as unknown as Task;
const bytesOf = ({ frames }: CatchUp): number => frames.reduce((sum, frame) => sum + frame.length, 0);

/** Versions that move the same few coordinates, again and again; all they own, or what `masks` says. */
function chainOf(
  versions: number,
  moving: number,
  masks: Masks | null = null,
  beside: () => readonly Uint8Array[] = () => [],
) {
  const chain = openChain(versionZero(initial), source, initial, beside);
  const held = [chain.held()];
  const frame = masks && encodeFrame(encodeMasks(masks, manifest));
  for (let version = 1; version <= versions; version++) {
    const step = new Float32Array(SIZE);
    for (let i = 0; i < moving; i++) step[i] = gaussian(rng);
    const { payload } = groups[0]!.codec.encode(step, version);
    const { params } = chain.model();
    const next = ownedParams(applyDelta(params, decodeDelta(groups, [payload])), masks);
    const delta = (digest: string) =>
      encodeFrame({
        kind: "delta",
        version,
        manifest: manifestId,
        plan,
        digest: shortDigest(digest),
        payloads: [payload],
      });
    chain.push(next, (digest) => [...(frame ? [frame] : []), delta(digest)], frame);
    held.push(chain.held());
  }
  return { chain, held };
}

const follow = (frames: readonly Uint8Array[], from: Params | null) =>
  followFrames(
    from && { version: 0, params: from, digest: modelDigest(from), history: null },
    frames,
    task,
    () => initial,
    defaultLimits,
  );

test("a short sleep is caught up by the deltas that were broadcast: the very same bytes for everybody", () => {
  const { chain, held } = chainOf(10, 300);
  const [one, other] = [chain.catchUp(held[6]!), chain.catchUp(held[6]!)];
  expect(one.kind).toBe("delta");
  expect(one.frames).toHaveLength(4);
  one.frames.forEach((frame, i) => {
    expect(other.frames[i]).toBe(frame);
    expect(chain.catchUp(held[7]!).frames[i - 1]).toBe(i === 0 ? undefined : frame);
  });
});

test("what belongs beside a whole model is not made for who follows the newest delta", () => {
  let made = 0;
  const { chain, held } = chainOf(10, 300, null, () => [new Uint8Array(++made)]);
  for (const one of held.slice(9)) expect(chain.catchUp(one).kind).toBe("delta");
  expect(made).toBe(0);
  expect(chain.catchUp(null, 10, true).frames).toHaveLength(2);
  expect(made).toBeGreaterThan(0);
});

test("a long one by the fewest bytes, made once: deltas, then what differs from version 0, and a checkpoint when all does", () => {
  const few = chainOf(40, 300);
  const patch = few.chain.catchUp(few.held[1]!);
  expect(patch.kind).toBe("patch");
  expect(patch.frames).toHaveLength(2);
  expect(few.chain.catchUp(few.held[2]!).frames[1]).toBe(patch.frames[1]);
  expect(few.chain.catchUp(null).frames[1]).toBe(patch.frames[1]);
  expect(few.chain.catchUp(few.held[0]!).frames).toEqual([patch.frames[1]]);
  const whole = few.chain.catchUp(null, 40, true);
  expect(whole.kind).toBe("checkpoint");
  expect(bytesOf(patch)).toBeLessThan(bytesOf(whole));
  let before = Infinity;
  for (let slept = 40; slept >= 1; slept--) {
    const caughtUp = few.chain.catchUp(few.held[40 - slept]!);
    const least = slept === 40 ? patch.frames[1]!.length : bytesOf(patch);
    expect(bytesOf(caughtUp)).toBeLessThanOrEqual(least);
    expect(bytesOf(caughtUp)).toBeLessThanOrEqual(Math.max(before, least));
    before = bytesOf(caughtUp);
  }

  const noise = Uint32Array.from(
    { length: SIZE },
    () => (0x807fffff & rng.uint32()) | (rng.below(255) << 23),
  );
  const data = new Float32Array(noise.buffer);
  const params: Params = new Map([["a", { shape: [SIZE], data }]]);
  const digests = [modelDigest(initial), modelDigest(params)];
  const all = openChain({ params, digests, deltas: [], masks: null }, source, initial);
  expect(all.catchUp(null).kind).toBe("checkpoint");
});

test("every way leads to the same bits", () => {
  const { chain, held } = chainOf(40, 300);
  const { digest } = chain.held();
  for (const caughtUp of [chain.catchUp(held[1]!), chain.catchUp(null), chain.catchUp(null, 40, true)]) {
    const { model, restarted } = follow(caughtUp.frames, null);
    expect([model.version, modelDigest(model.params)]).toEqual([40, digest]);
    expect(restarted).toBe(true);
  }
  const { model } = follow(chain.catchUp(held[0]!).frames, initial);
  expect(modelDigest(model.params)).toBe(digest);
});

test("a patch comes with the model's masks, and says nothing of what is outside of them", () => {
  const masks: Masks = new Map([["a", Uint32Array.from({ length: 500 }, (_, i) => 2 * i)]]);
  const { chain, held } = chainOf(40, 300, masks);
  expect(chain.catchUp(held[1]!).kind).toBe("delta"); // which tell what has left
  const caughtUp = openChain({ ...chain.state(), deltas: [] }, source, initial).catchUp(held[1]!);
  expect(caughtUp.kind).toBe("patch");
  expect(caughtUp.frames).toHaveLength(3);
  const { model, dropped } = follow(caughtUp.frames, null);
  expect(modelDigest(model.params)).toBe(chain.held().digest);
  expect(dropped?.last.get("a")).toEqual(masks.get("a"));
});

test("a patch is refused by who holds another version 0, and without a base", () => {
  const { chain, held } = chainOf(40, 300);
  const { frames } = chain.catchUp(held[0]!);
  const other: Params = new Map([["a", { shape: [SIZE], data: new Float32Array(SIZE) }]]);
  expect(() => follow(frames, other)).toThrow(expect.objectContaining({ code: "bad-digest" }));
  expect(() => follow(frames, null)).toThrow(expect.objectContaining({ code: "wrong-base" }));
});

test("what a chain's state goes on from makes the same frames", () => {
  const { chain, held } = chainOf(40, 300);
  const again = openChain(chain.state(), source, initial);
  expect(again.catchUp(held[1]!)).toEqual(chain.catchUp(held[1]!));
  expect(bytesOf(openChain(chain.state(), null, initial).catchUp(held[1]!))).toBeGreaterThan(
    bytesOf(again.catchUp(held[1]!)),
  );
});
