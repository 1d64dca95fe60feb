import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frequenciesOf } from "../../src/compress/entropy/rans.ts";
import { derive } from "../../src/model/rng.ts";
import { digestsOf } from "../suites/flat-vectors.ts";
import { both } from "./both.ts";

/** Symbols of one kind, and frequencies that give each a share. */
function message(kind: "one" | "skewed" | "even" | "rare", length: number) {
  const rng = derive(4, "message", kind, length);
  const draw = {
    one: () => 7,
    skewed: () => Math.min(255, Math.floor(-9 * Math.log(1 - rng.uniform()))),
    even: () => rng.below(256),
    rare: () => (rng.below(5000) === 0 ? 0 : 255),
  }[kind];
  const symbols = Uint8Array.from({ length }, draw);
  const counts = new Uint32Array(256);
  for (const symbol of symbols) counts[symbol]!++;
  if (length === 0) counts[7] = 1;
  return { symbols, counts, frequencies: frequenciesOf(counts) };
}

describe.each(["one", "skewed", "even", "rare"] as const)("of %s symbols", (kind) => {
  it.each([0, 1, 2, 3, 70, 4095, 32767, 32768, 32769, 65536, 100_003])("%i are coded alike", (length) => {
    const { symbols, counts, frequencies } = message(kind, length);
    if (length > 0) expect(both((k) => k.countBytes(symbols))).toEqual(counts);
    const code = both((k) => k.ransEncode(symbols, frequencies));
    const decoded = both((k) => k.ransDecode(code, frequencies, length));
    expect(digestsOf(decoded.symbols)).toBe(digestsOf(symbols));
    expect(decoded.states).toEqual([2 ** 16, 2 ** 16]);
    expect(2 * decoded.numWords).toBe(code.words.length);
  });
});

it("any words are decoded alike, too few of them as if zeros followed", () => {
  const states = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const counts = fc
    .array(fc.nat(1000), { minLength: 1, maxLength: 256 })
    .filter((all) => all.some((n) => n > 0));
  const parts = fc.tuple(states, states, counts, fc.uint8Array({ maxLength: 90 }), fc.nat(150));
  fc.assert(
    fc.property(parts, ([even, odd, of, words, count]) => {
      both((k) => k.ransDecode({ states: [even, odd], words }, frequenciesOf(of), count));
    }),
  );
  const rng = derive(1, "words");
  const words = Uint8Array.from({ length: 150_000 }, () => rng.below(256));
  const { frequencies } = message("even", 5000);
  for (const length of [0, 1, 65_535, 65_536, 65_537, 150_000])
    both((k) =>
      k.ransDecode({ states: [2 ** 16, 2 ** 32 - 1], words: words.subarray(0, length) }, frequencies, 90_001),
    );
});
