import { describe, expect, it } from "vitest";
import { WireError } from "../../src/model/error.ts";
import { decodeFrame, encodeFrame } from "../../src/wire/frame.ts";
import { defaultLimits } from "../../src/wire/limits.ts";
import { frames, sealed } from "../suites/frames.ts";
import { mutation } from "../suites/fuzz.ts";

const NUM_INPUTS = 40_000;

describe("frames from strangers", () => {
  it(`decode to a frame that encodes to the same bytes, or throw WireError, ${NUM_INPUTS} mutations`, () => {
    const seeds = Object.values(frames).map(encodeFrame);
    const outcomes = new Map<string, number>();
    for (let n = 0; n < NUM_INPUTS; n++) {
      const mutated = mutation(seeds, 2, n);
      const bytes = n % 8 === 0 ? mutated : sealed(mutated);
      let outcome = "decoded";
      try {
        const again = encodeFrame(decodeFrame(bytes, defaultLimits));
        if (again.length !== bytes.length || again.some((byte, i) => byte !== bytes[i]))
          expect.fail(`input ${n}`);
      } catch (error) {
        if (!(error instanceof WireError)) throw new Error(`input ${n}`, { cause: error });
        outcome = error.code;
      }
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // The mutations reach every kind of refusal but the rarest, and many still decode.
    const expected = [
      "decoded",
      "truncated",
      "trailing",
      "bad-magic",
      "bad-version",
      "bad-kind",
      "bad-checksum",
    ];
    for (const outcome of [...expected, "bad-field", "too-large", "not-finite"])
      expect(outcomes.get(outcome) ?? 0, outcome).toBeGreaterThan(10);
  });
});
