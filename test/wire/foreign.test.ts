import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { inputOf } from "../../scripts/fuzz/mutate.mjs";
import { payloadTargets, targets } from "../../scripts/fuzz/targets.mjs";
import { codec, decodeAny } from "../../src/compress/codec.ts";
import { decodeIntegers } from "../../src/compress/integers.ts";
import { decodeMask } from "../../src/compress/mask.ts";
import { WireError } from "../../src/model/error.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import type { Params, SparseVector } from "../../src/model/tensor.ts";
import { decodeFrame, encodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { applyPatch } from "../../src/wire/patch.ts";
import { frames } from "../suites/frames.ts";
import { bitsOf } from "../suites/sparse.ts";
import {
  bytesOf,
  digestVectors,
  frameVectors,
  hexOf,
  historyVectors,
  maskVectors,
  paramsOf,
  patchVectors,
  payloadVectors,
} from "../suites/vectors.ts";

/** What the decoder in Python makes of requests: it shares the document with ours, and no code. */
function answers(requests: readonly object[]): readonly unknown[] {
  const script = fileURLToPath(new URL("../foreign/decode.py", import.meta.url));
  const options = { input: JSON.stringify(requests), encoding: "utf8", maxBuffer: 2 ** 28 } as const;
  return JSON.parse(execFileSync("python3", ["-B", script], options));
}

const sparse = (length: number, { support, values }: (typeof payloadVectors.valid)[number]["sent"]) =>
  bitsOf({ length, support: support && Uint32Array.from(support), values: Float32Array.from(values) });

const specs: readonly CodecSpec["values"][] = [
  "float32",
  "float16",
  "bfloat16",
  "sign",
  { uniform: 5 },
  { qsgd: 1 },
  { qsgd: 50 },
  { codebook: 9 },
  { levels: 3 },
  { eden: 3 },
];

describe("a second decoder, in another language, written from the document alone", () => {
  const { valid, invalid } = payloadVectors;

  it.each([true, false])("decodes every golden payload to the same bits (agreed: %s)", (agreed) => {
    const expected = valid.map(({ vector, sent }) => sparse(vector.length, sent));
    const requests = valid.map(({ hex, vector, codec }) => ({
      payload: hex,
      length: vector.length,
      codec: agreed ? codec : null,
    }));
    expect(answers(requests)).toEqual(expected);
  });

  it("refuses every invalid payload and frame for the same reason", () => {
    const requests = [
      ...invalid.map(({ hex, length, codec }) => ({ payload: hex, length, codec })),
      ...frameVectors.invalid.map(({ hex }) => ({ frame: hex })),
    ];
    const expected = [...invalid, ...frameVectors.invalid].map(({ code }) => ({ refused: code }));
    expect(answers(requests)).toEqual(expected);
  });

  it("decodes every golden payload by a history, folds every golden delta and reads every golden state", () => {
    const { digest, valid, invalid, folds } = historyVectors;
    const payloads = [...valid, ...invalid].map(({ hex, length, classes, signs = "00".repeat(length) }) => ({
      payload: hex,
      length,
      prior: { digest, classes: [...bytesOf(classes)], signs: [...bytesOf(signs)] },
    }));
    const of = folds.manifest;
    const [folded, ...others] = answers([
      { deltas: folds.deltas, of },
      ...folds.states.map((state) => ({ state, of })),
      ...payloads,
    ]) as [unknown, ...ReturnType<typeof sparse>[]];
    expect(folded).toEqual(
      folds.digests.map((of, i) => ({
        digest: of,
        classes: [...bytesOf(folds.classes[i]!)],
        signs: [...bytesOf(folds.signs[i]!)],
      })),
    );
    expect(others.splice(0, folds.states.length)).toEqual([0, 2, 6].map((i) => folds.digests[i]));
    expect(others.splice(0, valid.length)).toEqual(
      valid.map(({ length, support, minus = [] }) =>
        sparse(length, { support, values: support.map((at) => (minus.includes(at) ? -1 : 1)) }),
      ),
    );
    expect(others).toEqual(invalid.map(({ code }) => ({ refused: code })));
  });

  it("agrees on mutated payloads by a history: the same positions, or the same reason", () => {
    const { digest, valid } = historyVectors;
    const rng = derive(9, "foreign history");
    const { decode } = codec({ select: "all", values: "ternary" });
    const inputs = Array.from({ length: 2000 }, () => {
      const { hex, length, classes, signs = "00".repeat(length) } = valid[rng.below(valid.length)]!;
      const bytes = bytesOf(hex);
      for (let edits = 1 + rng.below(2); edits > 0; edits--)
        bytes[rng.below(bytes.length)]! ^= 1 << rng.below(8);
      return { bytes, length, classes, signs };
    });
    const requests = inputs.map(({ bytes, length, classes, signs }) => ({
      payload: hexOf(bytes),
      length,
      codec: { select: "all", values: "ternary" },
      prior: { digest, classes: [...bytesOf(classes)], signs: [...bytesOf(signs)] },
    }));
    answers(requests).forEach((answer, i) => {
      const { bytes, length, classes, signs } = inputs[i]!;
      const prior = { digest, planes: [bytesOf(classes), bytesOf(signs)] };
      const expected = outcomeOf(() => bitsOf(decode(bytes, length, "payload", undefined, prior)));
      expect(answer, hexOf(bytes)).toEqual(expected);
    });
  });

  it("decodes every golden frame, and makes every golden digest", () => {
    const { manifests, models, plans, masks } = digestVectors;
    const requests = [
      ...frameVectors.valid.map(({ hex }) => ({ frame: hex })),
      ...manifests.map(({ manifest }) => ({ manifest })),
      ...models.map(({ params }) => ({ model: params })),
      ...plans.map(({ rules, manifest }) => ({ plan: rules, of: manifest })),
      ...masks.map(({ masks: owned, manifest }) => ({ masks: owned, of: manifest })),
    ];
    const digests = [...manifests, ...models, ...plans, ...masks].map(({ digest }) => digest);
    expect(answers(requests)).toEqual([...frameVectors.valid.map(({ frame }) => frame), ...digests]);
  });

  it("decodes every golden mask, and refuses those that are none for the same reason", () => {
    const all = [...maskVectors.valid, ...maskVectors.invalid];
    const expected = [
      ...maskVectors.valid.map(({ positions }) => positions),
      ...maskVectors.invalid.map(({ code }) => ({ refused: code })),
    ];
    expect(answers(all.map(({ hex, shape }) => ({ mask: hex, shape })))).toEqual(expected);
  });

  it("applies every golden patch, and refuses those that are none for the same reason", () => {
    const all = [...patchVectors.valid, ...patchVectors.invalid];
    const expected = [
      ...patchVectors.valid.map(({ hex, origin }) => patched(bytesOf(hex), paramsOf(origin))),
      ...patchVectors.invalid.map(({ code }) => ({ refused: code })),
    ];
    // the digest of a manifest is looked at by who knows the model
    const isOurs = (_: unknown, i: number) => !("code" in all[i]!) || all[i].code !== "wrong-manifest";
    const requests = all.map(({ hex, origin }) => ({ patch: hex, origin: patternsOf(paramsOf(origin)) }));
    expect(answers(requests).filter(isOurs)).toEqual(expected.filter(isOurs));
  });

  it("agrees on mutated patches", () => {
    const target = targets.patch();
    const inputs = Array.from({ length: 2000 }, (_, seed) => inputOf(target, seed));
    const requests = inputs.map(({ bytes, entry }) => ({
      patch: hexOf(bytes),
      origin: patternsOf(entry.origin),
    }));
    answers(requests).forEach((answer, i) => {
      const { bytes, entry } = inputs[i]!;
      const expected = outcomeOf(() => patched(bytes, entry.origin));
      if (JSON.stringify(expected) !== '{"refused":"wrong-manifest"}')
        expect(answer, JSON.stringify(requests[i])).toEqual(expected);
    });
  });

  it("decodes an update of every codec to the same bits", () => {
    const selects = [
      "all",
      { topK: 0.02 },
      { topK: 0.4 },
      { randomK: 0.1 },
      { blocks: { keep: 2, of: 4 } },
    ] as const;
    const rng = derive(1, "foreign");
    const encoded = selects.flatMap((select) =>
      specs.map((values, i) => {
        const vector = Float32Array.from({ length: 300 + 50 * i }, () => gaussian(rng));
        return codec({ select, values }).encode(vector, i);
      }),
    );
    for (const values of specs) {
      const vector = Float32Array.from({ length: 20 * 15 }, (_, i) => Math.fround(Math.sin(i) + (i % 15)));
      const matrices = [{ rows: 20, cols: 15 }];
      encoded.push(codec({ select: { lowRank: 2 }, values }, true, matrices).encode(vector, 3));
    }
    for (const select of [{ rows: 0.2 }, { filters: 0.3 }])
      for (const values of specs) {
        const matrices = [20, 3, 1].map((rows) => ({ rows, cols: 15 }));
        const vector = Float32Array.from({ length: 24 * 15 }, () => gaussian(rng));
        encoded.push(codec({ select, values }, false, matrices).encode(vector, 3));
      }
    const frame = encodeFrame({ ...frames.update, payloads: encoded.map(({ payload }) => payload) });
    const [decoded] = answers([{ frame: hexOf(frame) }]) as [{ payloads: readonly string[] }];
    const requests = decoded.payloads.map((payload, i) => ({ payload, length: encoded[i]!.sent.length }));
    expect(answers(requests)).toEqual(encoded.map(({ sent }) => bitsOf(sent)));
  });

  it("decodes a student to the same bits, factors too", () => {
    const data = Float32Array.from({ length: 60 }, (_, i) => Math.fround(Math.sin(i)));
    const manifest = {
      tensors: [
        { name: "a", shape: [10, 6] },
        { name: "b", shape: [60] },
      ],
    };
    const payloads = [
      codec({ select: { lowRank: 1 }, values: "float32" }, false, [{ rows: 10, cols: 6 }]).encode(data, 1),
      codec({ select: { topK: 0.3 }, values: { uniform: 4 } }).encode(data.toReversed(), 0),
    ].map(({ payload }) => payload);
    const groups = payloads.map((payload, i) => ({ tensors: [i], payload }));
    const hex = hexOf(encodeFrame({ kind: "student", architecture: "tiny", manifest, groups }));
    const expected = payloads.map((payload) => bitsOf(decodeAny(payload, 60, "payload")));
    expect(answers([{ student: hex }])).toEqual([expected]);
  });

  it("agrees on mutated payloads, of which most are refused: the same bits, or the same reason", () => {
    const requests: { payload: string; length: number; codec: CodecSpec | null }[] = [];
    const expected: unknown[] = [];
    for (const make of Object.values(payloadTargets)) {
      const target = make();
      for (let seed = 0; seed < 600; seed++) {
        const { bytes, length, entry } = inputOf(target, seed);
        requests.push({ payload: hexOf(bytes), length, codec: entry.agreed });
        expected.push(outcomeOf(() => bitsOf(decoded(hexOf(bytes), length, entry.agreed))));
      }
    }
    answers(requests).forEach((answer, i) => {
      expect(answer, JSON.stringify(requests[i])).toEqual(expected[i]);
    });
  });

  it("agrees on mutated masks", () => {
    const rng = derive(5, "foreign masks");
    const requests = Array.from({ length: 3000 }, () => {
      const { hex, shape } = maskVectors.valid[rng.below(maskVectors.valid.length)]!;
      const bytes = bytesOf(hex);
      for (let edits = rng.below(3); edits > 0; edits--) bytes[rng.below(bytes.length)]! ^= 1 << rng.below(8);
      return { mask: hexOf(bytes.subarray(0, bytes.length - (rng.below(8) === 0 ? 1 : 0))), shape };
    });
    answers(requests).forEach((answer, i) => {
      const { mask, shape } = requests[i]!;
      const ours = outcomeOf(() => decodeMask(bytesOf(mask), shape, "mask"));
      expect(answer, JSON.stringify(requests[i])).toEqual(ours instanceof Uint32Array ? [...ours] : ours);
    });
  });

  it("agrees on mutated vectors of integers", () => {
    const target = targets.integers!();
    const inputs = Array.from({ length: 3000 }, (_, seed) => inputOf(target, seed));
    const requests = inputs.map(({ bytes, length }) => ({ integers: hexOf(bytes), length }));
    answers(requests).forEach((answer, i) => {
      const { bytes, length } = inputs[i]!;
      const expected = outcomeOf(() => Array.from(decodeIntegers(bytes, length, "integers"), String));
      expect(answer, JSON.stringify(requests[i])).toEqual(expected);
    });
  });

  it("agrees on mutated frames: the same kind, or the same reason", () => {
    const target = targets.frame!();
    const inputs = Array.from({ length: 3000 }, (_, seed) => inputOf(target, seed).bytes);
    const found = answers(inputs.map((bytes) => ({ frame: hexOf(bytes) })));
    inputs.forEach((bytes, i) => {
      const expected = outcomeOf(() => ({ kind: decodeFrame(bytes, defaultLimits).kind }));
      expect(found[i], hexOf(bytes)).toMatchObject(expected as object);
    });
  });
});

const decoded = (hex: string, length: number, agreed: CodecSpec | null): SparseVector =>
  agreed === null
    ? decodeAny(bytesOf(hex), length, "payload")
    : codec(agreed).decode(bytesOf(hex), length, "payload");

const patternsOf = (params: Params): readonly number[] =>
  [...params.values()].flatMap(({ data }) => [...new Uint32Array(data.buffer, data.byteOffset, data.length)]);

function patched(bytes: Uint8Array, origin: Params): readonly number[] {
  const frame = decodeFrame(bytes, defaultLimits);
  if (frame.kind !== "patch") throw new WireError("bad-kind", "kind", frame.kind);
  return patternsOf(applyPatch(frame, origin));
}

function outcomeOf(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { refused: error.code };
  }
}
