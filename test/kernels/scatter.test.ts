import { expect, test } from "vitest";
import { scatterOnGrid } from "../../src/kernels/scatter.ts";

test("what falls on a position is rounded once, ties to even, and the others stay", () => {
  const sums = Float64Array.of(1, 10, 100, 1000, 10_000, -5, 7);
  // 1.5, 2.5, -1.5, 0.6 and 3 quanta
  scatterOnGrid(
    sums,
    Uint32Array.of(0, 1, 3, 4, 6),
    Float32Array.of(0.1875, 0.3125, -0.1875, 0.075, 0.375),
    4,
    2,
  );
  expect([...sums]).toEqual([3, 12, 100, 998, 10_001, -5, 10]);
});

test("as many as there are, whatever their number", () => {
  for (let count = 0; count < 12; count++) {
    const sums = new Float64Array(24);
    const positions = Uint32Array.from({ length: count }, (_, i) => 2 * i);
    const values = Float32Array.from(positions, (p) => p + 1);
    scatterOnGrid(sums, positions, values, 1, 1);
    expect([...sums]).toEqual(Array.from(sums, (_, at) => (at % 2 === 0 && at < 2 * count ? at + 1 : 0)));
  }
});
