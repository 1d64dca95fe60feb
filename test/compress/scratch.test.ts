import { describe, expect, it } from "vitest";
import { codec } from "../../src/compress/codec.ts";
import { reusedScratch } from "../../src/compress/scratch.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { derive } from "../../src/model/rng.ts";

describe("a scratch that is used again", () => {
  it("gives parts of one memory that do not overlap, and the same ones after a reset", () => {
    const scratch = reusedScratch();
    const first = [scratch.floats(3), scratch.floats(4)];
    expect(first[0]!.buffer).not.toBe(first[1]!.buffer); // it has yet to learn how much is asked for
    scratch.reset();
    const [a, b, beyond] = [scratch.floats(3), scratch.floats(4), scratch.floats(1)];
    expect(a.buffer).toBe(b.buffer);
    expect(b.byteOffset).toBe(a.byteOffset + a.byteLength);
    expect(beyond.buffer).not.toBe(a.buffer);
    scratch.reset();
    expect(scratch.floats(7).byteOffset).toBe(a.byteOffset);
  });

  const specs: readonly CodecSpec[] = [
    ...(["float32", "float16", "bfloat16", "sign", { uniform: 1 }, { uniform: 4 }, { uniform: 8 }] as const),
    ...([{ codebook: 16 }, { eden: 2 }, { qsgd: 7 }, { levels: 2 }, "ternary"] as const),
  ].flatMap((values): CodecSpec[] => [
    { select: "all", values },
    { select: { topK: 0.1 }, values },
  ]);

  it.each(specs)("decodes to the same values whatever lay there before: %j", (spec) => {
    const { encode, decode } = codec(spec);
    const rng = derive(1, "scratch");
    const scratch = reusedScratch();
    for (let turn = 0; turn < 3; turn++) {
      const vector = Float32Array.from({ length: 3001 }, () => rng.uniform() - 0.5);
      const { payload, sent } = encode(vector, turn);
      scratch.floats(4000).fill(Number.NaN);
      scratch.reset();
      const { length, support, values } = decode(payload, 3001, "payload", scratch);
      expect({ length, support, values }).toEqual(sent);
    }
  });
});
