import fc from "fast-check";
import { expect, test } from "vitest";
import { areaUnderCurve } from "../../src/trainer/auc.ts";

test("hand computed: pairs in the right order, ties half", () => {
  expect(areaUnderCurve([1, 2, 3, 4], [0, 0, 1, 1])).toBe(1);
  expect(areaUnderCurve([4, 3, 2, 1], [0, 0, 1, 1])).toBe(0);
  expect(areaUnderCurve([1, 3, 2, 3], [0, 0, 1, 1])).toBe((1 + 0 + 1 + 0.5) / 4);
  expect(areaUnderCurve([1, 2], [1, 1])).toBeUndefined();
  expect(areaUnderCurve([Number.NaN, Number.NaN], [0, 1])).toBeUndefined();
  expect(areaUnderCurve([1, Number.NaN, 2], [0, 1, 1])).toBeUndefined();
});

test("is the share of pairs in the right order, whatever the scores", () => {
  const row = fc.tuple(fc.integer({ min: -3, max: 3 }), fc.integer({ min: 0, max: 1 }));
  fc.assert(
    fc.property(fc.array(row, { minLength: 2, maxLength: 40 }), (rows) => {
      const ones = rows.filter(([, label]) => label === 1);
      const zeros = rows.filter(([, label]) => label === 0);
      fc.pre(ones.length > 0 && zeros.length > 0);
      const pairs = ones.flatMap(([a]) => zeros.map(([b]) => (a > b ? 1 : a === b ? 0.5 : 0)));
      const share = pairs.reduce<number>((sum, x) => sum + x, 0) / pairs.length;
      const area = areaUnderCurve(
        rows.map(([score]) => score),
        rows.map(([, label]) => label),
      );
      expect(area).toBeCloseTo(share, 12);
    }),
  );
});
