import fc from "fast-check";
import { expect, test } from "vitest";
import { krumPicks } from "../../../src/aggregation/robust/krum-picks.ts";
import { krumScores } from "../../../src/aggregation/robust/krum-scores.ts";

const distance = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 9 }).map((v) => v / 4) },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 1e30, noNaN: true }) },
  { weight: 1, arbitrary: fc.constant(Infinity) },
);

const SIZE = 9;

test("picks those of krum on the updates that are left, anew each time, with equal and with infinite distances", () => {
  fc.assert(
    fc.property(
      fc.array(distance, { minLength: SIZE ** 2, maxLength: SIZE ** 2 }),
      fc.integer({ min: 1, max: SIZE }),
      fc.integer({ min: 0, max: 3 }),
      fc.nat({ max: SIZE }),
      (table, n, attackers, most) => {
        const between = (i: number, j: number) =>
          i === j ? 0 : table[SIZE * Math.min(i, j) + Math.max(i, j)]!;
        const count = Math.min(n, most);
        let left = [...Array(n).keys()];
        const expected: number[] = [];
        while (expected.length < count) {
          const among = left;
          const scores = krumScores(among.length, (i, j) => between(among[i]!, among[j]!), attackers);
          const best = among[scores.indexOf(Math.min(...scores))]!;
          expected.push(best);
          left = among.filter((i) => i !== best);
        }
        expect(krumPicks(n, count, between, attackers)).toEqual(expected.sort((a, b) => a - b));
      },
    ),
  );
});

test("a pick by hand: the second is the best of those that are left, not the second best of all", () => {
  // on a line; one hostile, so that at first the two nearest count
  const places = [0, 1, 2, 10, 10.5];
  const between = (i: number, j: number) => (places[i]! - places[j]!) ** 2;
  expect(krumScores(5, between, 1)).toEqual([5, 2, 5, 64.25, 72.5]);
  // then of 0, 2, 10 and 10.5 only the nearest: 4, 4, 0.25, 0.25
  expect(krumPicks(5, 2, between, 1)).toEqual([1, 3]);
});
