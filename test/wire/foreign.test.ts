import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { codec } from "../../src/compress/codec.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { frames } from "../suites/frames.ts";
import { bitsOf } from "../suites/sparse.ts";
import { hexOf, payloadVectors } from "../suites/vectors.ts";

type Input = readonly ["payload" | "update", hex: string, lengths: readonly number[]];

/** What the decoder in Python makes of the bytes, which shares the document with ours and no code. */
function decodedElsewhere(inputs: readonly Input[]): unknown {
  const script = fileURLToPath(new URL("../foreign/decode.py", import.meta.url));
  return JSON.parse(execFileSync("python3", [script], { input: JSON.stringify(inputs), encoding: "utf8" }));
}

describe("a second decoder, in another language", () => {
  it("decodes every golden payload to the same bits", () => {
    const inputs = payloadVectors.valid.map(({ hex, vector }): Input => ["payload", hex, [vector.length]]);
    const expected = payloadVectors.valid.map(({ vector, sent: { support, values } }) =>
      bitsOf({
        length: vector.length,
        support: support && Uint32Array.from(support),
        values: Float32Array.from(values),
      }),
    );
    expect(decodedElsewhere(inputs)).toEqual(expected);
  });

  it("decodes an update of every codec to the same bits", () => {
    const selects = [
      "all",
      { topK: 0.02 },
      { topK: 0.4 },
      { randomK: 0.1 },
      { blocks: { keep: 2, of: 4 } },
    ] as const;
    const values: readonly CodecSpec["values"][] = [
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
    const rng = derive(1, "foreign");
    const encoded = selects.flatMap((select) =>
      values.map((of, i) => {
        const vector = Float32Array.from({ length: 300 + 50 * i }, () => gaussian(rng));
        return { length: vector.length, ...codec({ select, values: of }).encode(vector, i) };
      }),
    );
    for (const of of values) {
      const vector = Float32Array.from({ length: 20 * 15 }, (_, i) => Math.fround(Math.sin(i) + (i % 15)));
      const { payload, sent } = codec({ select: { lowRank: 2 }, values: of }, true, [
        { rows: 20, cols: 15 },
      ]).encode(vector, 3);
      encoded.push({ length: vector.length, payload, sent });
    }
    for (const select of [{ rows: 0.2 }, { filters: 0.3 }])
      for (const of of values) {
        const matrices = [20, 3, 1].map((rows) => ({ rows, cols: 15 }));
        const vector = Float32Array.from({ length: 24 * 15 }, () => gaussian(rng));
        const { payload, sent } = codec({ select, values: of }, false, matrices).encode(vector, 3);
        encoded.push({ length: vector.length, payload, sent });
      }
    const frame = encodeFrame({ ...frames.update, payloads: encoded.map(({ payload }) => payload) });
    expect(decodedElsewhere([["update", hexOf(frame), encoded.map(({ length }) => length)]])).toEqual(
      encoded.map(({ sent }) => bitsOf(sent)),
    );
  });
});
