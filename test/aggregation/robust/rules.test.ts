import { expect, test } from "vitest";
import { bulyan } from "../../../src/aggregation/robust/bulyan.ts";
import { centeredClipping } from "../../../src/aggregation/robust/centered-clipping.ts";
import { clipFactor } from "../../../src/aggregation/robust/clip.ts";
import { geometricMedian } from "../../../src/aggregation/robust/geometric-median.ts";
import { krum, multiKrum } from "../../../src/aggregation/robust/krum.ts";
import { coordinateMedian } from "../../../src/aggregation/robust/median.ts";
import type { RobustRule } from "../../../src/aggregation/robust/rule.ts";
import { trimmedMean } from "../../../src/aggregation/robust/trimmed-mean.ts";
import type { UpdateMessage } from "../../../src/model/message.ts";
import type { Params } from "../../../src/model/tensor.ts";
import { flat, paramsOf, readingsOf, small, updateOf } from "../../suites/updates.ts";

const run = (
  rule: RobustRule,
  attackers: number,
  updates: readonly UpdateMessage[],
  previous: Params | null = null,
) => rule.combine(readingsOf(updates), { manifest: small, attackers, previous, bytes: 2 ** 20 });

const resultOf = (...args: Parameters<typeof run>) => flat(run(...args).delta);

/** One client a number: it says that number of coordinate 0, and 0 of all others. */
const saying = (...numbers: number[]) => numbers.map((v, i) => updateOf(`c${i}`, [v, 0, 0, 0, 0, 0, 0, 0]));

const first = (rule: RobustRule, attackers: number, ...numbers: number[]) =>
  resultOf(rule, attackers, saying(...numbers))[0];

test("median: the middle one, or the mean of the middle two", () => {
  expect(first(coordinateMedian, 1, 5, -100, 3)).toBe(3);
  expect(first(coordinateMedian, 1, 5, -100, 3, 4)).toBe(3.5);
  expect(first(coordinateMedian, 0, 7)).toBe(7);
});

test("trimmed mean: without f at each end", () => {
  expect(first(trimmedMean, 1, 1, 2, 6, 1e6, -1e6)).toBe(3); // (1 + 2 + 6) / 3
  expect(first(trimmedMean, 2, 1, 2, 6, 1e6, -1e6)).toBe(2);
  expect(first(trimmedMean, 0, 1, 2, 6)).toBe(3);
});

test("median and trimmed mean over sparse updates: 2f + 1 holders, times holders over owners", () => {
  const updates = [
    updateOf("a", [8, 4, 4], [0, 1, 7]),
    updateOf("b", [-100, 2, 8], [0, 1, 7]),
    updateOf("c", [2, 6], [0, 7]),
    updateOf("d", [], []),
  ];
  // coordinate 0: the median of 8, -100, 2 is 2, times 3/4; coordinate 1: two holders are too few for one hostile
  expect(resultOf(coordinateMedian, 1, updates)).toEqual([1.5, 0, 0, 0, 0, 0, 0, 4.5]);
  expect(resultOf(trimmedMean, 1, updates)).toEqual([1.5, 0, 0, 0, 0, 0, 0, 4.5]);
  // with nobody hostile one holder is enough: 3 · 2/4, and (8 - 100 + 2) / 3 · 3/4
  expect(resultOf(coordinateMedian, 0, updates)).toEqual([1.5, 1.5, 0, 0, 0, 0, 0, 4.5]);
  expect(resultOf(trimmedMean, 0, updates)).toEqual([-22.5, 1.5, 0, 0, 0, 0, 0, 4.5]);
});

test("median under masks: who does not own a coordinate is no owner of it", () => {
  const { delta, covered } = run(coordinateMedian, 1, [
    updateOf("a", [3, 9], [0, 1], [0, 1]),
    updateOf("b", [4], [0], [0, 1]),
    updateOf("c", [5], [0], [0, 1]),
    updateOf("d", [7], [6], [6]),
  ]);
  expect(flat(delta)).toEqual([4, 0, 0, 0, 0, 0, 0, 0]);
  expect([...covered].map(([, mask]) => [...mask!])).toEqual([[0, 1], [0]]);
});

test("krum: the update nearest to its neighbours", () => {
  // n = 5, f = 1: two neighbours each. Scores: 1 → 0.25 + 4 (of 1.5, 3), 1.5 → 0.25 + 2.25, 3 → 2.25 + 4, ...
  expect(first(krum, 1, 1, 3, 1.5, 100, -7)).toBe(1.5);
  // of equals the first in client order
  expect(first(krum, 1, 2, 2.5, 2, 2.5, 99)).toBe(2);
});

test("krum takes the whole of one update, zeros too", () => {
  const updates = [
    updateOf("a", [1, 1], [0, 1]),
    updateOf("b", [1, 2], [0, 2]),
    updateOf("c", [1], [0]),
    updateOf("d", [1, 3], [0, 3]),
    updateOf("e", [-50], [5]),
  ];
  expect(resultOf(krum, 1, updates)).toEqual([1, 0, 0, 0, 0, 0, 0, 0]); // c: 1 + 4
});

test("multi-krum: the mean of the n - f - 2 best", () => {
  // n = 6, f = 1: three neighbours each, three are kept: 1, 1.5 and 2 (scores 5.25, 2.75 and 2.25; 3 has 7.25)
  expect(first(multiKrum, 1, 1, 3, 1.5, 2, 100, -7)).toBe(1.5);
});

test("distances are over what both own, scaled up to the whole model", () => {
  // a and b share 4 of 8 coordinates and differ by 1 there: 1 · 8/4 = 2, as far as c is from d
  const updates = [
    updateOf("a", [1], [0], [0, 1, 2, 3]),
    updateOf("b", [], [], [0, 1, 2, 3, 4]),
    updateOf("c", [0, 0, 0, 0, 1, 1, 0, 0]),
    updateOf("d", [0, 0, 0, 0, 0, 0, 0, 0]),
    updateOf("e", [50], [0]),
  ];
  // Two neighbours each: a: b 2, c 2, d 2; b: d 0, c 8/5; c: b 8/5, d 2; d: b 0, a 2. The best is b, and it covers its own.
  const { delta, covered } = run(krum, 1, updates);
  expect(flat(delta)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect([...covered].map(([, mask]) => mask && [...mask])).toEqual([[0, 1, 2, 3, 4], []]);
});

test("bulyan: the mean of the values nearest to the median of those that krum picks", () => {
  // n = 7, f = 1: five are picked, of which three values count. 100 goes first, -7 stays out: 1, 2, 3, 4, 5 → 2, 3, 4
  expect(first(bulyan, 1, 1, 2, 3, 4, 5, 100, -70)).toBe(3);
  // 0, 0, 0, 1, 9 → 0, 0, 0
  expect(first(bulyan, 1, 0, 0, 0, 1, 9, 100, -70)).toBe(0);
});

test("geometric median: of points on a line the median, of a triangle its Fermat point", () => {
  expect(first(geometricMedian, 1, 1, 2, 1000)).toBeCloseTo(2, 2);
  const corners = [
    updateOf("a", [2, 0, 0, 0, 0, 0, 0, 0]),
    updateOf("b", [-1, Math.sqrt(3), 0, 0, 0, 0, 0, 0]),
    updateOf("c", [-1, -Math.sqrt(3), 0, 0, 0, 0, 0, 0]),
  ];
  const [x, y] = resultOf(geometricMedian, 1, corners);
  expect(Math.hypot(x!, y!)).toBeLessThan(1e-6);
});

test("centered clipping: nobody pulls farther than the radius", () => {
  const clipping = centeredClipping({ radius: 1, iterations: 1, cutoff: null });
  // from 0: 3 and -100 count as 1 and -1, 0.5 as it is
  expect(first(clipping, 1, 3, 0.5, -100)).toBeCloseTo(0.5 / 3, 7);
  // from the last aggregate, 2: 3 is 1 away, 0.5 and -100 count as -1
  const from = paramsOf([2, 0, 0, 0, 0, 0, 0, 0]);
  expect(resultOf(clipping, 1, saying(3, 0.5, -100), from)[0]).toBeCloseTo(2 - 1 / 3, 6);
});

test("centered clipping: the automatic radius is the median distance, anew in each pass", () => {
  // radius 3: 3, 0.5 and -3 → 1/6
  expect(
    first(centeredClipping({ radius: "auto", iterations: 1, cutoff: null }), 1, 3, 0.5, -100),
  ).toBeCloseTo(1 / 6, 6);
  // then from 1/6: distances 17/6, 1/3, 100 + 1/6; radius 17/6: (17/6 + 1/3 - 17/6) / 3 = 1/9
  expect(
    first(centeredClipping({ radius: "auto", iterations: 2, cutoff: null }), 1, 3, 0.5, -100),
  ).toBeCloseTo(1 / 6 + 1 / 9, 6);
});

test("centered clipping with a cutoff: who is far beyond the others fades, and then counts for nothing", () => {
  const cut = (cutoff: number | null, ...numbers: number[]) =>
    first(centeredClipping({ radius: 10, iterations: 1, cutoff }), 1, ...numbers);
  // from 0 the median distance is 2: with 4 all is told up to 4 away, half at 6, nothing from 8 on
  expect(cut(4, 1, 2, 4)).toBeCloseTo(7 / 3, 6);
  expect(cut(4, 1, 2, -6)).toBeCloseTo((1 + 2 - 3) / 3, 6);
  expect(cut(4, 1, 2, -8)).toBeCloseTo(1, 6);
  expect(cut(null, 1, 2, -8)).toBeCloseTo(-5 / 3, 6);
  // half of them where it begins: then there is no scale, and the others are no help
  expect(cut(4, 0, 0, 5)).toBe(0);
});

test("centered clipping leaves alone what nobody owns, whatever the last aggregate was", () => {
  const from = paramsOf([0, 0, 0, 0, 0, 0, 5, 5]);
  const updates = ["a", "b", "c"].map((id) => updateOf(id, [6], [0], [0, 1]));
  const { delta, covered } = run(
    centeredClipping({ radius: "auto", iterations: 1, cutoff: null }),
    1,
    updates,
    from,
  );
  expect(flat(delta)).toEqual([6, 0, 0, 0, 0, 0, 0, 0]);
  expect([...covered.get("b")!]).toEqual([]);
});

test("norms are clipped to a bound", () => {
  expect(clipFactor(3, 4)).toBe(1);
  expect(clipFactor(4, 4)).toBe(1);
  expect(clipFactor(8, 4)).toBe(0.5);
  expect(clipFactor(0, 0)).toBe(1);
});

test("each rule says how few updates it can do with", () => {
  const fewest = (rule: RobustRule) => [0, 1, 2].map(rule.fewest);
  for (const rule of [coordinateMedian, trimmedMean, geometricMedian])
    expect(fewest(rule)).toEqual([1, 3, 5]);
  for (const rule of [krum, multiKrum]) expect(fewest(rule)).toEqual([3, 5, 7]);
  expect(fewest(bulyan)).toEqual([3, 7, 11]);
});
