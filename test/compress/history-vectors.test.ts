import { describe, expect, it } from "vitest";
import { codec } from "../../src/compress/codec.ts";
import type { TensorPrior } from "../../src/compress/history/prior.ts";
import { firstHistory, foldHistory, readHistory, writeHistory } from "../../src/compress/history.ts";
import { type Params, sizeOf } from "../../src/model/tensor.ts";
import { bytesOf, hexOf, historyVectors } from "../suites/vectors.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const { digest, valid, invalid, folds } = historyVectors;
const ternary = codec({ select: { topK: 1 }, values: "ternary" });
const priorOf = (classes: string): TensorPrior => ({
  digest,
  planes: [bytesOf(classes), new Uint8Array(classes.length / 2)],
});
const decoded = (hex: string, length: number, classes: string) =>
  ternary.decode(bytesOf(hex), length, "payload", undefined, priorOf(classes));

describe("golden payloads by a history", () => {
  it.each(valid)("$name", ({ length, classes, hex, support }) => {
    expect([...decoded(hex, length, classes).support!]).toEqual(support);
    const vector = new Float32Array(length);
    for (const at of support) vector[at] = 1;
    const { payload } = ternary.encode(vector, 0, Infinity, priorOf(classes));
    // by whichever coder is shortest; by this one, in these bytes
    if (payload[0]! >> 4 === 10) expect(hexOf(payload)).toBe(hex);
    else expect(payload.length).toBeLessThanOrEqual(hex.length / 2);
  });

  it.each(invalid)("to refuse: $name, $code", ({ length, classes, hex, code }) => {
    expect(wireErrorCode(() => decoded(hex, length, classes))).toBe(code);
  });
});

describe("golden histories", () => {
  const { manifest, deltas, digests, classes, states } = folds;
  const params: Params = new Map(
    manifest.tensors.map(({ name, shape }) => [name, { shape, data: new Float32Array(sizeOf(shape)) }]),
  );
  const histories = [firstHistory(params)];
  for (const delta of deltas) {
    const sent = new Map(
      manifest.tensors.flatMap(({ name, shape }) => {
        const part = delta[name];
        if (part === undefined) return [];
        const support = Uint32Array.from(part.support);
        return [[name, { length: sizeOf(shape), support, values: Float32Array.from(part.values) }] as const];
      }),
    );
    histories.push(foldHistory(histories.at(-1)!, sent));
  }

  it("have their digests and classes, version by version", () => {
    expect(histories.map((history) => history.digest)).toEqual(digests);
    expect(histories.map((history) => hexOf(history.classes))).toEqual(classes);
  });

  it("are written in these bytes, and read from them", () => {
    const some = [0, 2, 6].map((version) => histories[version]!);
    expect(some.map((history) => hexOf(writeHistory(history)))).toEqual(states);
    expect(states.map((state) => readHistory(bytesOf(state), manifest, "history"))).toEqual(some);
  });
});
