import { describe, expect, it } from "vitest";
import { codec, decodeAny } from "../../src/compress/codec.ts";
import { WireError } from "../../src/model/error.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { mutation } from "../suites/fuzz.ts";
import { expectValidSparse } from "../suites/sparse.ts";

const LENGTH = 150;
const NUM_INPUTS = 150_000;

function seedPayloads(): readonly Uint8Array[] {
  const rng = derive(1, "seed payloads");
  const vector = Float32Array.from({ length: LENGTH }, () => gaussian(rng));
  const selects = [
    "all",
    { topK: 0.03 },
    { topK: 0.4 },
    { randomK: 0.1 },
    { blocks: { keep: 1, of: 8 } },
  ] as const;
  const values: readonly CodecSpec["values"][] = [
    "float32",
    "float16",
    "bfloat16",
    "ternary",
    { uniform: 1 },
    { uniform: 5 },
    { qsgd: 1 },
    { qsgd: 200 },
    { codebook: 5 },
    { levels: 3 },
    { eden: 2 },
  ];
  const encode = (spec: CodecSpec, of = vector) => codec(spec).encode(of, 0).payload;
  return [
    ...selects.flatMap((select) => values.map((v) => encode({ select, values: v }))),
    encode({ select: { threshold: 1 }, values: "ternary" }, new Float32Array(LENGTH).fill(2, 40, 90)),
    encode({ select: { topK: 1 }, values: "ternary" }, new Float32Array(LENGTH)),
    encode({ select: "all", values: { uniform: 3 } }, new Float32Array(LENGTH)),
  ];
}

describe("payloads from strangers", () => {
  it(`decode to a valid vector or throw WireError, ${NUM_INPUTS} mutations`, () => {
    const seeds = seedPayloads();
    const outcomes = new Map<string, number>();
    for (let n = 0; n < NUM_INPUTS; n++) {
      const bytes = mutation(seeds, 1, n);
      let outcome = "decoded";
      try {
        expectValidSparse(decodeAny(bytes, LENGTH, "payload"), LENGTH);
      } catch (error) {
        if (!(error instanceof WireError)) throw new Error(`input ${n}`, { cause: error });
        outcome = error.code;
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // The mutations reach every kind of refusal that a payload has, and many still decode.
    for (const outcome of [
      "decoded",
      "truncated",
      "trailing",
      "bad-codec",
      "bad-field",
      "bad-positions",
      "not-finite",
    ])
      expect(outcomes.get(outcome) ?? 0, outcome).toBeGreaterThan(100);
  });
});
