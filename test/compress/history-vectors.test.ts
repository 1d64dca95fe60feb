import { describe, expect, it } from "vitest";
import { bitWriter } from "../../src/compress/bits.ts";
import { byteReader, byteWriter } from "../../src/compress/bytes.ts";
import { codec } from "../../src/compress/codec.ts";
import { expectedSigns, type TensorPrior } from "../../src/compress/history/prior.ts";
import { firstHistory, foldHistory, readHistory, writeHistory } from "../../src/compress/history.ts";
import { readPayload } from "../../src/compress/payload.ts";
import { historyPositions, historySigns } from "../../src/compress/positions/history.ts";
import { type Params, sizeOf } from "../../src/model/tensor.ts";
import { bytesOf, hexOf, historyVectors } from "../suites/vectors.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const { digest, valid, invalid, folds } = historyVectors;
const ternary = codec({ select: { topK: 1 }, values: "ternary" });
const priorOf = (classes: string, signs = "00".repeat(classes.length / 2)): TensorPrior => ({
  digest,
  planes: [bytesOf(classes), bytesOf(signs)],
});

/** By one of the two coders, mu being 1. */
function written(id: number, support: readonly number[], minus: Uint8Array, prior: TensorPrior): Uint8Array {
  const positions = Uint32Array.from(support);
  const code = id === 10 ? historyPositions(positions, prior) : historySigns(positions, minus, prior);
  const writer = byteWriter();
  writer.uint8(16 * id + 2);
  code.writeHead(writer);
  writer.float32(1);
  const bits = bitWriter(writer.region(Math.ceil((code.bits + (id === 10 ? minus.length : 0)) / 8)));
  code.writePositions(bits);
  if (id === 10) bits.writeAll(minus, 1);
  bits.flush();
  return writer.written();
}

describe("golden payloads by a history", () => {
  it.each(valid)("$name", ({ length, classes, signs, hex, support, minus = [] }) => {
    const prior = priorOf(classes, signs);
    const received = ternary.decode(bytesOf(hex), length, "payload", undefined, prior);
    const values = Float32Array.from(support, (at) => (minus.includes(at) ? -1 : 1));
    expect(received).toEqual({ length, support: Uint32Array.from(support), values });
    const negative = Uint8Array.from(values, (value) => (value < 0 ? 1 : 0));
    const id = bytesOf(hex)[0]! >> 4;
    expect(hexOf(written(id, support, negative, prior))).toBe(hex);
    const vector = new Float32Array(length);
    for (const [i, at] of support.entries()) vector[at] = values[i]!;
    const { payload } = ternary.encode(vector, 0, Infinity, prior);
    // by whichever coder is shortest; by this one, in these bytes
    if (payload[0]! >> 4 === id) expect(hexOf(payload)).toBe(hex);
    else expect(payload.length).toBeLessThanOrEqual(hex.length / 2);
  });

  it.each(invalid)("to refuse: $name, $code", ({ length, classes, signs, hex, code }) => {
    const prior = priorOf(classes, signs);
    const read = () => readPayload(byteReader(bytesOf(hex), "payload"), length, null, undefined, prior);
    expect(wireErrorCode(read)).toBe(code);
  });
});

describe("golden histories", () => {
  const { manifest, deltas, digests, classes, signs, states } = folds;
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

  it("have their digests, classes and signs, version by version", () => {
    expect(histories.map((history) => history.digest)).toEqual(digests);
    expect(histories.map((history) => hexOf(history.classes))).toEqual(classes);
    const expected = histories.map(({ state }) => hexOf(expectedSigns(state.drift, state.slow)));
    expect(expected).toEqual(signs);
  });

  it("are written in these bytes, and read from them", () => {
    const some = [0, 2, 6].map((version) => histories[version]!);
    expect(some.map((history) => hexOf(writeHistory(history)))).toEqual(states);
    expect(states.map((state) => readHistory(bytesOf(state), manifest, "history"))).toEqual(some);
  });
});
