import { describe, expect, it } from "vitest";
import { codec } from "../../src/compress/codec.ts";
import { encodeDelta } from "../../src/compress/error-feedback.ts";
import { decodeOwned, ownedPlan } from "../../src/compress/owned.ts";
import { reusedScratch } from "../../src/compress/scratch.ts";
import { writtenOut } from "../../src/kernels/packed.ts";
import type { CodecSpec, PlanRule } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";

const LENGTH = 9001;
const rng = derive(4, "packed");
const vector = Float32Array.from({ length: LENGTH }, () => gaussian(rng));

const kept: readonly CodecSpec[] = [
  { select: "all", values: "float32" },
  { select: "all", values: { uniform: 8 } },
  { select: "all", values: { uniform: 3 } },
  { select: "all", values: { codebook: 5 } },
  { select: "all", values: "sign" },
  { select: { topK: 0.01 }, values: "ternary" },
  { select: { topK: 0.1 }, values: { uniform: 4 } },
];

describe("values that are folded and gone", () => {
  it.each(kept)("stay as the payload has them: %j", (spec) => {
    const { encode, decode } = codec(spec);
    const { payload, sent } = encode(vector, 1);
    const delta = decode(payload, LENGTH, "payload", reusedScratch());
    expect(delta.packed).toBeDefined();
    expect(writtenOut(delta.packed!)).toEqual(sent.values);
    expect(delta.values).toEqual(sent.values);
    expect(delta.values).toBe(delta.values); // once
    expect(delta.support).toEqual(sent.support);
    expect(decode(payload, LENGTH).packed).toBeUndefined();
  });

  it("of float32 are the bytes of the payload, without a copy", () => {
    const { encode, decode } = codec({ select: "all", values: "float32" });
    const { payload } = encode(vector, 1);
    const { packed } = decode(payload, LENGTH, "payload", reusedScratch());
    expect("bytes" in packed! && packed.bytes.buffer).toBe(payload.buffer);
  });

  it("lose their zeros, where a coder may send some", () => {
    const { encode, decode } = codec({ select: { randomK: 0.5 }, values: { uniform: 8 } }, true);
    const { payload } = encode(
      vector.map((value, i) => (i % 50 === 0 ? 0 : value)),
      1,
    );
    expect(payload[0]! >>> 4).toBe(3); // positions by seed
    const { support, values, packed } = decode(payload, LENGTH, "payload", reusedScratch());
    expect({ length: LENGTH, support, values }).toEqual(decode(payload, LENGTH));
    expect(packed).toBeUndefined();
    expect(values.includes(0)).toBe(false);
  });
});

describe("a group of tensors", () => {
  const manifest = {
    tensors: [
      { name: "a", shape: [40, 50] },
      { name: "b", shape: [1000] },
    ],
  };
  const delta = new Map([
    ["a", { shape: [40, 50], data: vector.slice(0, 2000) }],
    ["b", { shape: [1000], data: vector.slice(2000, 3000) }],
  ]);
  const masks = new Map([
    ["a", Uint32Array.from({ length: 700 }, (_, i) => 2 * i)],
    ["b", null],
  ]);

  it.each(kept)("is dealt out packed, masked or not: %j", (spec) => {
    const rules: readonly PlanRule[] = [{ tensors: "*", codec: spec, errorFeedback: true }];
    for (const owned of [null, masks]) {
      const plan = ownedPlan(rules, manifest, owned, "uplink");
      const part = new Map(
        plan.groups[0]!.tensors.map(({ name, shape }) => {
          const size = shape.reduce((a, b) => a * b);
          return [name, { shape, data: delta.get(name)!.data.slice(0, size) }] as const;
        }),
      );
      const residual = plan.groups.map(({ length }) => new Float32Array(length));
      const { payloads } = encodeDelta(plan.groups, part, residual, Infinity, 1);
      const packed = decodeOwned(plan, payloads, reusedScratch());
      for (const [name, expected] of decodeOwned(plan, payloads)) {
        const { length, support, values } = packed.get(name)!;
        expect({ length, support, values }).toEqual(expected);
        expect(packed.get(name)!.packed).toBeDefined();
      }
    }
  });
});
