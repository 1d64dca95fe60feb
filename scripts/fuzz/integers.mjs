import { decodeIntegers, encodeIntegers } from "../../dist/compress/integers.js";
import { derive, gaussian } from "../../dist/model/rng.js";
import { isSameArray } from "./check.mjs";
import { referenceIntegers } from "./reference/integers.mjs";

/** Vectors of 64-bit integers, as tallies carry them. Each has one encoding, so what decodes must encode to the same bytes. */
export function integersTarget() {
  const corpus = LENGTHS.flatMap((length) =>
    SHAPES.map((shape) => {
      const rng = derive(1, "fuzz integers", length);
      const integers = BigInt64Array.from({ length }, (_, i) => shape(rng, i));
      return { bytes: encodeIntegers(integers), length };
    }),
  );
  return {
    name: "integers",
    corpus: corpus.toSorted((a, b) => a.bytes.length - b.bytes.length),
    finish: (bytes) => bytes,
    decode: (bytes, length) => decodeIntegers(bytes, length, "integers"),
    expected: referenceIntegers,
    check(integers, { bytes, expected }) {
      if (expected.code !== undefined) return `decoded, by the document ${expected.code}`;
      if (!isSameArray(integers, expected.integers)) return "other integers than by the document";
      return isSameArray(encodeIntegers(integers), bytes)
        ? null
        : "encodes to other bytes than it was decoded from";
    },
  };
}

const LENGTHS = [1, 2, 7, 8, 9, 16, 40, 100];
const whole = (rng) => BigInt(Math.round(100 * gaussian(rng)));
const SHAPES = [
  () => 0n,
  (rng) => whole(rng),
  (rng) => whole(rng) * 2n ** 40n,
  (rng, i) => (i % 5 === 0 ? whole(rng) * 3n ** 12n : 0n),
  (_, i) => (i % 2 === 0 ? -(2n ** 63n) : 2n ** 63n - 1n),
];
