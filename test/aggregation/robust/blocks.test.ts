import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bulyan } from "../../../src/aggregation/robust/bulyan.ts";
import { centeredClipping } from "../../../src/aggregation/robust/centered-clipping.ts";
import { pairwiseDistances } from "../../../src/aggregation/robust/distance.ts";
import { geometricMedian } from "../../../src/aggregation/robust/geometric-median.ts";
import { blocksOf } from "../../../src/aggregation/robust/held.ts";
import { krum, multiKrum } from "../../../src/aggregation/robust/krum.ts";
import { coordinateMedian } from "../../../src/aggregation/robust/median.ts";
import type { RobustRule } from "../../../src/aggregation/robust/rule.ts";
import { trimmedMean } from "../../../src/aggregation/robust/trimmed-mean.ts";
import type { UpdateMessage } from "../../../src/model/message.ts";
import { anyUpdates, flat, paramsOf, readingsOf, small, updateOf } from "../../suites/updates.ts";

const rules: Readonly<Record<string, RobustRule>> = {
  median: coordinateMedian,
  "trimmed mean": trimmedMean,
  krum,
  "multi-krum": multiKrum,
  bulyan,
  "geometric median": geometricMedian,
  "centered clipping": centeredClipping({ radius: "auto", iterations: 3, cutoff: 4 }),
};

/** How often each update is read beside what comes out. */
function counted(rule: RobustRule, updates: readonly UpdateMessage[], attackers: number, bytes: number) {
  const reads = updates.map(() => 0);
  const readings = readingsOf(updates).map((reading, i) => ({
    ...reading,
    read: () => {
      reads[i]!++;
      return reading.read();
    },
  }));
  const previous = paramsOf([0.5, -1, 0, 2, 0.25, 0, 1, -3]);
  const { delta, covered } = rule.combine(readings, { manifest: small, attackers, previous, bytes });
  return { delta: flat(delta), covered, reads: Math.max(...reads) };
}

describe.each(Object.entries(rules))("%s", (_, rule) => {
  test("comes to the same bits in any memory from the least on", () => {
    const least = rule.leastBytes({ updates: 11, coordinates: 8, updateBytes: 64, masked: true });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 }).chain((f) => fc.tuple(anyUpdates(11), fc.constant(f))),
        fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 4, maxLength: 4 }),
        ([updates, attackers], more) => {
          const whole = counted(rule, updates, attackers, 2 ** 30);
          for (const extra of [0, ...more]) {
            const { delta, covered } = counted(rule, updates, attackers, least + extra);
            expect(delta).toEqual(whole.delta);
            expect(covered).toEqual(whole.covered);
          }
        },
      ),
    );
  });
});

const dense = (n: number) =>
  Array.from({ length: n }, (_, i) =>
    updateOf(
      String.fromCharCode(97 + i),
      Array.from({ length: 8 }, (__, j) => i * j),
    ),
  );

test("with memory for all an update is read once to count and once to gather, or once in all to be compared", () => {
  expect(counted(coordinateMedian, dense(7), 1, 2 ** 20).reads).toBe(2);
  // once for the distances, and once more whom krum chose
  expect(counted(krum, dense(7), 1, 2 ** 20).reads).toBe(2);
});

test("with the least memory an update is read for every coordinate, or for every update before it", () => {
  const round = { updates: 7, coordinates: 8, updateBytes: 32, masked: false };
  expect(counted(coordinateMedian, dense(7), 1, coordinateMedian.leastBytes(round)).reads).toBe(1 + 8);
  expect(counted(krum, dense(7), 1, krum.leastBytes(round)).reads).toBeGreaterThanOrEqual(7);
});

test("a pass over two of seven updates at a time: by hand", () => {
  const readings = readingsOf(dense(7));
  let reads = 0;
  const seen = readings.map((reading) => ({
    ...reading,
    read: () => {
      reads++;
      return reading.read();
    },
  }));
  // 8 bytes a pair, and two updates of 32 bytes
  const distances = pairwiseDistances(seen, small, 8 * 49 + 64);
  // 0² + 1² + ... + 7² = 140
  expect(distances(2, 5)).toBe(9 * 140);
  expect(distances(5, 2)).toBe(9 * 140);
  expect(reads).toBe(7 + 5 + 3 + 1);
});

test("blocks are cut where the values that are looked at would not fit any more", () => {
  const blocks = (bytes: number) => [...blocksOf(Uint32Array.of(3, 1, 3, 3, 0), 2, bytes)];
  // 4 bytes a value of what two or more hold, and 4 a coordinate: 16, 4, 16, 16, 4
  expect(blocks(56)).toEqual([[0, 5]]);
  expect(blocks(55)).toEqual([
    [0, 4],
    [4, 5],
  ]);
  expect(blocks(20)).toEqual([
    [0, 2],
    [2, 3],
    [3, 5],
  ]);
  expect(blocks(0)).toEqual([
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
    [4, 5],
  ]);
});
