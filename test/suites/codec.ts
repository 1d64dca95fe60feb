import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Codec, codec } from "../../src/compress/codec.ts";
import { lossOf } from "../../src/compress/loss.ts";
import { WireError } from "../../src/model/error.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import { toDense } from "../../src/model/tensor.ts";
import { bitsOf, expectValidSparse, squared, vectors } from "./sparse.ts";
import { wireErrorCode } from "./wire-error.ts";

const seeds = fc.integer({ min: 0, max: 0xffffffff });

/** What every codec promises; `subject` is one that needs to know more than its spec. */
export function codecSuite(
  name: string,
  spec: CodecSpec,
  feedback = false,
  subject: Codec = codec(spec, feedback),
): void {
  const loses = lossOf(spec, feedback);
  describe(name, () => {
    it("decodes to the very bits that the encoder says it sent", () => {
      fc.assert(
        fc.property(vectors(), seeds, (vector, seed) => {
          const { payload, sent } = subject.encode(vector, seed);
          expectValidSparse(sent, vector.length);
          expect(bitsOf(subject.decode(payload, vector.length))).toEqual(bitsOf(sent));
        }),
      );
    });

    it("makes the same bytes of the same vector and seed, and leaves the vector alone", () => {
      fc.assert(
        fc.property(vectors(), seeds, (vector, seed) => {
          const before = vector.slice();
          const first = subject.encode(vector, seed).payload;
          expect(vector).toEqual(before);
          expect(subject.encode(before, seed).payload).toEqual(first);
        }),
      );
    });

    if (isProjection(spec))
      it("changes nothing that was quantized before, whatever the seed", () => {
        fc.assert(
          fc.property(vectors(), (vector) => {
            const { sent } = subject.encode(vector, 0);
            expect(bitsOf(subject.encode(toDense(sent), 1).sent)).toEqual(bitsOf(sent));
          }),
        );
      });

    if (loses === "unbiased") unbiasedSuite(spec);
    else
      it(`loses ${loses === "nothing" ? "nothing" : "no more than there is"}`, () => {
        fc.assert(
          fc.property(vectors(), seeds, (vector, seed) => {
            const sent = toDense(subject.encode(vector, seed).sent);
            const lost = vector.reduce((sum, v, i) => sum + (v - sent[i]!) ** 2, 0);
            if (loses === "nothing") expect(lost).toBe(0);
            // Scales and levels are rounded to float32: by 2^-24 of them, or by a whole bit among the subnormals.
            else expect(lost).toBeLessThanOrEqual(squared(vector) * (1 + 1e-6) + vector.length * 2 ** -298);
          }),
        );
      });

    it("sends nothing above the bound", () => {
      fc.assert(
        fc.property(vectors(), seeds, fc.integer({ min: -100, max: 127 }), (vector, seed, exponent) => {
          const bound = 2 ** exponent;
          const clamped = vector.map((v) => Math.min(bound, Math.max(-bound, v)));
          const { values } = subject.encode(clamped, seed, bound).sent;
          expect(values.every((value) => Math.abs(value) <= bound)).toBe(true);
        }),
      );
    });

    it("refuses the payload cut short anywhere", () => {
      fc.assert(
        fc.property(vectors(60), seeds, (vector, seed) => {
          const { payload } = subject.encode(vector, seed);
          for (let length = 0; length < payload.length; length++) {
            const code = wireErrorCode(() => subject.decode(payload.subarray(0, length), vector.length));
            expect(["truncated", "bad-positions"]).toContain(code);
          }
        }),
        { numRuns: 15 },
      );
    });

    it("refuses bytes after the end", () => {
      fc.assert(
        fc.property(
          vectors(60),
          seeds,
          fc.uint8Array({ minLength: 1, maxLength: 9 }),
          (vector, seed, more) => {
            const { payload } = subject.encode(vector, seed);
            const longer = Uint8Array.from([...payload, ...more]);
            expect(wireErrorCode(() => subject.decode(longer, vector.length))).toBe("trailing");
          },
        ),
      );
    });

    it("decodes to a valid vector or throws WireError, whichever bits flip", () => {
      fc.assert(
        fc.property(vectors(40), seeds, (vector, seed) => {
          const { payload } = subject.encode(vector, seed);
          for (let bit = 0; bit < Math.min(8 * payload.length, 200); bit++) {
            const flipped = payload.slice();
            flipped[bit >> 3]! ^= 1 << (bit & 7);
            try {
              expectValidSparse(subject.decode(flipped, vector.length), vector.length);
            } catch (error) {
              if (!(error instanceof WireError)) throw error;
            }
          }
        }),
        { numRuns: 10 },
      );
    });
  });
}

/** Nothing is left to chance, and no magnitude that was sent can fall below a threshold. */
const isProjection = ({ select, values }: CodecSpec): boolean =>
  !(typeof select === "object" && ("randomK" in select || "threshold" in select)) &&
  (typeof values === "string" ||
    "codebook" in values ||
    "levels" in values ||
    ("uniform" in values && values.rounding === undefined));

/**
 * The mean over seeds is what was selected, to within its own noise, and what float32 and float16 round. Eden is so
 * only approximately: of a handful of values in a block the rotation is not yet a Gaussian's.
 */
function unbiasedSuite(spec: CodecSpec): void {
  const subject = codec(spec);
  const slack = typeof spec.values === "object" && "eden" in spec.values ? 0.03 : 1e-3;
  const isRandom = typeof spec.select === "object" && "randomK" in spec.select;
  const rng = derive(5, "unbiased");
  const vector = Float32Array.from({ length: 96 }, (_, i) => (i % 7 === 0 ? 3 : 0.2) * gaussian(rng));
  const target = isRandom
    ? vector
    : toDense(codec({ select: spec.select, values: "float32" }).encode(vector, 0).sent);

  it("is right in the mean over seeds", () => {
    const numSeeds = 3000;
    const sum = new Float64Array(vector.length);
    const sumOfSquares = new Float64Array(vector.length);
    for (let seed = 0; seed < numSeeds; seed++)
      toDense(subject.encode(vector, seed).sent).forEach((v, i) => {
        sum[i]! += v;
        sumOfSquares[i]! += v * v;
      });
    const largest = Math.max(...vector.map(Math.abs));
    const variances = sum.map((total, i) =>
      Math.max(0, sumOfSquares[i]! / numSeeds - (total / numSeeds) ** 2),
    );
    // A coordinate that is sent once in a thousand times shows no variance of its own.
    const common = variances.reduce((total, variance) => total + variance / vector.length, 0);
    target.forEach((v, i) => {
      const mean = sum[i]! / numSeeds;
      const deviation = Math.sqrt(Math.max(common, variances[i]!) / numSeeds);
      expect(Math.abs(mean - v), `coordinate ${i}`).toBeLessThan(5 * deviation + slack * largest);
    });
  });
}
