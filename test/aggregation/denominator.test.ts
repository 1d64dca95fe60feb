import fc from "fast-check";
import { expect, test } from "vitest";
import { type Denominator, means } from "../../src/aggregation/mean.ts";
import { addUpdate, emptyTally, mergeTally } from "../../src/aggregation/tally.ts";
import { byExamples, MAX_WEIGHT } from "../../src/aggregation/weight.ts";
import type { UpdateMessage } from "../../src/model/message.ts";
import { manifest, update } from "./updates.ts";

const weigh = byExamples(2 ** 15);
const grid = { exponents: [3], weightBudget: 32 * MAX_WEIGHT };

function aggregateOf(denominator: Denominator, updates: readonly UpdateMessage[]) {
  const tally = emptyTally(manifest, grid, undefined, denominator === "senders");
  for (const one of updates)
    addUpdate(tally, one, weigh(one, { version: 0, lastLoss: null, usualNorm: null }), 1);
  return means[denominator](tally);
}

const meanOf = (denominator: Denominator, updates: readonly UpdateMessage[]) => [
  ...aggregateOf(denominator, updates).delta.get("w")!.data,
];

/** A weak client of one example that owns 0 and 1 and sends both, and a whole one of three that sends 1 and 2. */
const mixed = [update(1, [0, 1], [8, 4], [0, 1]), update(3, [1, 2], [4, 4])];

test("three denominators of one mixed round", () => {
  // sums by weight: 0: 1·8; 1: 1·4 + 3·4 = 16; 2: 3·4 = 12
  expect(meanOf("everybody", mixed)).toEqual([2, 4, 3, 0]); // over 4, 4, 4, 4
  expect(meanOf("senders", mixed)).toEqual([8, 4, 4, 0]); // over 1, 4, 3, none
  expect(meanOf("owners", mixed)).toEqual([2, 4, 4, 0]); // over 4, 4, 3, 3
});

test("an overlap covers what somebody sent, zero-filling everything", () => {
  expect([...aggregateOf("senders", mixed).covered.get("w")!]).toEqual([0, 1, 2]);
  expect(aggregateOf("everybody", mixed).covered.get("w")).toBeNull();
});

test("a dense payload is sent by its client, everywhere", () => {
  expect(meanOf("senders", [update(1, null, [1, 2, 3, 4]), update(1, [3], [2])])).toEqual([1, 2, 3, 3]);
});

const sparse = (mask: readonly number[] | null) =>
  fc
    .tuple(
      fc.integer({ min: 1, max: 9 }),
      fc.subarray([...(mask ?? [0, 1, 2, 3])]),
      fc.integer({ min: -8, max: 8 }),
    )
    .map(([examples, support, value]) =>
      update(
        examples,
        support,
        support.map(() => value),
        mask,
      ),
    );

test("where all own everything the owners are everybody", () => {
  fc.assert(
    fc.property(fc.array(sparse(null), { minLength: 1, maxLength: 6 }), (updates) => {
      expect(meanOf("owners", updates)).toEqual(meanOf("everybody", updates));
    }),
  );
});

test("where all send what they own the owners are the senders", () => {
  const whole = fc.subarray([0, 1, 2, 3]).chain((mask) =>
    fc.integer({ min: -8, max: 8 }).map((value) =>
      update(
        1 + mask.length,
        mask,
        mask.map(() => value),
        mask,
      ),
    ),
  );
  fc.assert(
    fc.property(fc.array(whole, { minLength: 1, maxLength: 6 }), (updates) => {
      expect(meanOf("owners", updates)).toEqual(meanOf("senders", updates));
    }),
  );
});

test("what counts senders does not merge, and what does not cannot be divided by them", () => {
  const counting = emptyTally(manifest, grid, undefined, true);
  const plain = emptyTally(manifest, grid);
  expect(() => mergeTally(plain, counting)).toThrow("do not merge");
  expect(() => means.senders(plain)).toThrow("counted");
});
