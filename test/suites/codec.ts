import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codec } from "../../src/compress/codec.ts";
import { WireError } from "../../src/model/error.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { toDense } from "../../src/model/tensor.ts";
import { bitsOf, expectValidSparse, squared, vectors } from "./sparse.ts";
import { wireErrorCode } from "./wire-error.ts";

/** What every codec promises. */
export function codecSuite(name: string, spec: CodecSpec): void {
  describe(name, () => {
    const subject = codec(spec);

    it("decodes to the very bits that the encoder says it sent", () => {
      fc.assert(
        fc.property(vectors(), (vector) => {
          const { payload, sent } = subject.encode(vector);
          expectValidSparse(sent, vector.length);
          expect(bitsOf(subject.decode(payload, vector.length))).toEqual(bitsOf(sent));
        }),
      );
    });

    it("makes the same bytes of the same vector, and leaves the vector alone", () => {
      fc.assert(
        fc.property(vectors(), (vector) => {
          const before = vector.slice();
          const first = subject.encode(vector).payload;
          expect(vector).toEqual(before);
          expect(subject.encode(before).payload).toEqual(first);
        }),
      );
    });

    it("changes nothing that was quantized before", () => {
      fc.assert(
        fc.property(vectors(), (vector) => {
          const { sent } = subject.encode(vector);
          expect(bitsOf(subject.encode(toDense(sent)).sent)).toEqual(bitsOf(sent));
        }),
      );
    });

    it(`loses ${subject.loses === "nothing" ? "nothing" : "no more than there is"}`, () => {
      fc.assert(
        fc.property(vectors(), (vector) => {
          const sent = toDense(subject.encode(vector).sent);
          const lost = vector.reduce((sum, v, i) => sum + (v - sent[i]!) ** 2, 0);
          if (subject.loses === "nothing") expect(lost).toBe(0);
          // 1e-6: mu and levels are rounded to float32
          else expect(lost).toBeLessThanOrEqual(squared(vector) * (1 + 1e-6));
        }),
      );
    });

    it("refuses the payload cut short anywhere", () => {
      fc.assert(
        fc.property(vectors(60), (vector) => {
          const { payload } = subject.encode(vector);
          for (let length = 0; length < payload.length; length++) {
            const code = wireErrorCode(() => subject.decode(payload.subarray(0, length), vector.length));
            expect(["truncated", "bad-positions"]).toContain(code);
          }
        }),
        { numRuns: 30 },
      );
    });

    it("refuses bytes after the end", () => {
      fc.assert(
        fc.property(vectors(60), fc.uint8Array({ minLength: 1, maxLength: 9 }), (vector, more) => {
          const { payload } = subject.encode(vector);
          const longer = Uint8Array.from([...payload, ...more]);
          expect(wireErrorCode(() => subject.decode(longer, vector.length))).toBe("trailing");
        }),
      );
    });

    it("decodes to a valid vector or throws WireError, whichever bits flip", () => {
      fc.assert(
        fc.property(vectors(40), (vector) => {
          const { payload } = subject.encode(vector);
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
        { numRuns: 20 },
      );
    });
  });
}
