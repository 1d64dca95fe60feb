import fc from "fast-check";
import { expect, it } from "vitest";
import { best } from "../../src/aggregation/ranking.ts";

it("the best are those that sorting would find", () => {
  const score = fc.integer({ min: 0, max: 4 });
  fc.assert(
    fc.property(fc.array(fc.tuple(score, score), { maxLength: 40 }), fc.nat(45), (pairs, count) => {
      const scores = Float32Array.from(pairs, ([first]) => first);
      const second = Float32Array.from(pairs, ([, tie]) => tie);
      const sorted = [...pairs.keys()].sort(
        (a, b) => scores[b]! - scores[a]! || second[b]! - second[a]! || a - b,
      );
      expect([...best(scores, second, count)]).toEqual(sorted.slice(0, count).sort((a, b) => a - b));
    }),
  );
});
