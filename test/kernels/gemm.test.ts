import fc from "fast-check";
import { expect, test } from "vitest";
import { derive } from "../../src/model/rng.ts";
import { openArena } from "./arena.ts";

const size = fc.integer({ min: 1, max: 40 });

function matrix(rows: number, cols: number, seed: number): Float32Array {
  const rng = derive(seed, rows, cols);
  return Float32Array.from({ length: rows * cols }, () => 2 * rng.uniform() - 1);
}

/** In float64, straight from the definition. */
function product(
  rows: number,
  cols: number,
  depth: number,
  a: (i: number, k: number) => number,
  b: typeof a,
) {
  return Float64Array.from({ length: rows * cols }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < depth; k++) sum += a(Math.floor(at / cols), k) * b(k, at % cols);
    return sum;
  });
}

function check(rows: number, cols: number, depth: number, aT: boolean, bT: boolean, accumulate: boolean) {
  const { kernels, scratch, floats, read, isIntact } = openArena();
  const a = matrix(rows, depth, 1);
  const b = matrix(depth, cols, 2);
  const before = matrix(rows, cols, 3);
  const c = floats(before);
  const [aRow, aCol] = aT ? [1, rows] : [depth, 1];
  const [bRow, bCol] = bT ? [1, depth] : [cols, 1];
  kernels.gemm(rows, cols, depth, floats(a), aRow, aCol, floats(b), bRow, bCol, c, cols, accumulate, scratch);
  const expected = product(
    rows,
    cols,
    depth,
    (i, k) => a[i * aRow + k * aCol]!,
    (k, j) => b[k * bRow + j * bCol]!,
  ).map((v, i) => v + (accumulate ? before[i]! : 0));
  const got = read(c, rows * cols);
  const worst = got.reduce((max, v, i) => Math.max(max, Math.abs(v - expected[i]!)), 0);
  expect(worst).toBeLessThan(1e-5 * Math.max(1, Math.sqrt(depth)));
  expect(isIntact()).toBe(true);
}

test("multiplies any sizes, with either operand transposed, and adds on request", () => {
  fc.assert(
    fc.property(
      size,
      size,
      size,
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (rows, cols, depth, aT, bT, add) => {
        check(rows, cols, depth, aT, bT, add);
      },
    ),
    { numRuns: 200 },
  );
});

test.each([
  [300, 20, 300, false, false],
  [130, 530, 260, true, true],
  [129, 513, 257, false, true],
])("multiplies %d x %d x %d, beyond one block in each direction", (rows, cols, depth, aT, bT) => {
  check(rows, cols, depth, aT, bT, false);
  check(rows, cols, depth, aT, bT, true);
});

test("takes strides that skip, as the columns of a wider matrix", () => {
  const { kernels, scratch, floats, room, read } = openArena();
  // every other value: a = [[1, 2], [3, 4]], b = [[5, 6], [7, 8]]
  const a = floats([1, 0, 2, 0, 3, 0, 4, 0]);
  const b = floats([5, 0, 6, 0, 7, 0, 8, 0]);
  const c = room(4);
  kernels.gemm(2, 2, 2, a, 4, 2, b, 4, 2, c, 2, false, scratch);
  expect([...read(c, 4)]).toEqual([19, 22, 43, 50]);
});

test("an empty sum is zero", () => {
  const { kernels, scratch, room, read } = openArena();
  const c = room(4);
  kernels.gemm(2, 2, 0, 0, 0, 1, 0, 2, 1, c, 2, false, scratch);
  expect([...read(c, 4)]).toEqual([0, 0, 0, 0]);
});
