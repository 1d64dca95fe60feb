import { describe, expect, it } from "vitest";
import { codec, decodeAny } from "../../src/compress/codec.ts";
import { planDigest } from "../../src/compress/plan.ts";
import { bitsOf } from "../suites/sparse.ts";
import { bytesOf, digestVectors, hexOf, payloadVectors } from "../suites/vectors.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

describe("golden payloads", () => {
  it.each(payloadVectors.valid)(
    "$name",
    ({ codec: spec, errorFeedback, seed, matrices, decodeOnly, vector, hex, sent }) => {
      const { payload } = codec(spec, errorFeedback, matrices).encode(Float32Array.from(vector), seed ?? 0);
      if (decodeOnly) expect(payload.length).toBeLessThan(hex.length / 2);
      else expect(hexOf(payload)).toBe(hex);
      const expected = {
        length: vector.length,
        support: sent.support === null ? null : Uint32Array.from(sent.support),
        values: Float32Array.from(sent.values),
      };
      expect(bitsOf(codec(spec).decode(bytesOf(hex), vector.length))).toEqual(bitsOf(expected));
      expect(bitsOf(decodeAny(bytesOf(hex), vector.length, "payload"))).toEqual(bitsOf(expected));
    },
  );
});

describe("payloads to refuse", () => {
  it.each(payloadVectors.invalid)("$name: $code", ({ codec: spec, length, hex, code }) => {
    expect(wireErrorCode(() => codec(spec).decode(bytesOf(hex), length))).toBe(code);
  });
});

describe("golden plan digests", () => {
  it.each(digestVectors.plans)("$digest", ({ rules, manifest, digest }) => {
    expect(planDigest(rules, manifest)).toBe(digest);
  });
});
