import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { derive } from "../../src/model/rng.ts";
import { digestsOf } from "../suites/flat-vectors.ts";
import { both } from "./both.ts";

function compareGaps(positions: Uint32Array, length: number): void {
  const bytes = both((k) => k.encodeGaps(positions));
  const decoded = both((k) => k.decodeGaps(bytes, positions.length, length));
  expect(digestsOf(decoded.positions)).toBe(digestsOf(positions));
  expect(decoded.numBytes).toBeGreaterThanOrEqual(bytes.length);
}

/** `count` positions with gaps that are drawn anew from `most` on, which rises and falls. */
function drawn(count: number, most: (i: number) => number): { positions: Uint32Array; length: number } {
  const rng = derive(6, "gaps", count, most(0));
  let next = 0;
  const positions = Uint32Array.from({ length: count }, (_, i) => {
    const position = next + rng.below(most(i) + 1);
    next = position + 1;
    return position;
  });
  return { positions, length: next };
}

describe.each([
  ["no gaps", () => 0],
  ["small gaps", () => 3],
  ["gaps of a hundredth", () => 200],
  ["gaps that differ", (i: number) => (i % 700 < 350 ? 1 : 5000)],
  ["large gaps", () => 20_000],
] as const)("positions with %s", (_, most) => {
  it.each([0, 1, 2, 4095, 4096, 4097, 32767, 32768, 32769, 100_003])("%i are coded alike", (count) => {
    const { positions, length } = drawn(count, most);
    compareGaps(positions, Math.max(1, length));
  });
});

it("positions anywhere below 2^32 - 1 are coded alike", () => {
  const top = 2 ** 32 - 2;
  for (const positions of [[0], [top], [0, top], [top - 1, top], [2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1]])
    compareGaps(Uint32Array.from(positions), 2 ** 32 - 1);
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 0, max: top }), { minLength: 1, maxLength: 300 }), (all) => {
      compareGaps(Uint32Array.from(all).sort(), 2 ** 32 - 1);
    }),
  );
});

it("carries run alike through any number of bytes", () => {
  // a long gap after many short ones pushes low to the top of its range
  for (let count = 1; count < 300; count++) {
    const positions = Uint32Array.from({ length: count }, (_, i) => i + (i === count - 1 ? 2 ** 20 : 0));
    compareGaps(positions, 2 ** 21);
  }
});

describe("whatever the bytes", () => {
  it("as many positions are decoded, and as many bytes taken", () => {
    const parts = fc.tuple(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.array(fc.constantFrom(0, 255), { maxLength: 60 }).map((bytes) => Uint8Array.from(bytes)),
      ),
      fc.nat(400),
      fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 2 ** 32 - 1 })),
    );
    fc.assert(
      fc.property(parts, ([bytes, count, length]) => {
        const { positions } = both((k) => k.decodeGaps(bytes, count, length));
        positions.forEach((position, i) => {
          expect(position).toBeLessThan(length);
          if (i > 0) expect(position).toBeGreaterThan(positions[i - 1]!);
        });
      }),
      { numRuns: 500 },
    );
  });

  it("also when they are more than go into the memory at once", () => {
    const rng = derive(2, "bytes");
    const { positions, length } = drawn(100_003, () => 20_000);
    const bytes = both((k) => k.encodeGaps(positions));
    for (let n = 0; n < 20; n++) {
      const changed = bytes.slice(0, n % 2 === 0 ? bytes.length : rng.below(bytes.length));
      const at = rng.below(changed.length);
      changed[at]! ^= 1 << rng.below(8);
      both((k) => k.decodeGaps(changed, positions.length, n < 10 ? length : 2 ** 32 - 1));
    }
  });
});
