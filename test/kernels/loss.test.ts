import fc from "fast-check";
import { expect, test } from "vitest";
import { openArena } from "./arena.ts";

const logit = fc.float({ min: -30, max: 30, noNaN: true });
const rowsOf = (cols: number) =>
  fc.array(fc.array(logit, { minLength: cols, maxLength: cols }), { minLength: 1, maxLength: 6 });
const batch = fc
  .integer({ min: 1, max: 13 })
  .chain((cols) => fc.record({ cols: fc.constant(cols), logits: rowsOf(cols), teacher: rowsOf(cols) }));

function softmax(row: readonly number[], temperature = 1): number[] {
  const largest = Math.max(...row);
  const e = row.map((v) => Math.exp((v - largest) / temperature));
  const sum = e.reduce((a, b) => a + b);
  return e.map((v) => v / sum);
}

const close = (got: ArrayLike<number>, expected: readonly number[], bound: number) => {
  expect(got.length).toBe(expected.length);
  const scale = Math.max(1, ...expected.map(Math.abs));
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs(got[i]! - expected[i]!) / scale).toBeLessThan(bound);
};

test("softmax rows sum to one and match the definition; their gradient too", () => {
  fc.assert(
    fc.property(batch, ({ cols, logits, teacher }) => {
      const { kernels, floats, room, read, isIntact } = openArena();
      const y = room(logits.length * cols);
      kernels.softmaxRows(floats(logits.flat()), logits.length, cols, y);
      const expected = logits.map((row) => softmax(row));
      close(read(y, logits.length * cols), expected.flat(), 1e-6);
      const dy = logits.map((_, r) => teacher[r % teacher.length]!);
      const dx = room(logits.length * cols);
      kernels.softmaxGradientRows(y, floats(dy.flat()), logits.length, cols, dx);
      const gradient = expected.map((row, r) => {
        const dot = row.reduce((sum, p, c) => sum + p * dy[r]![c]!, 0);
        return row.map((p, c) => p * (dy[r]![c]! - dot));
      });
      close(read(dx, logits.length * cols), gradient.flat(), 1e-5);
      expect(isIntact()).toBe(true);
    }),
  );
});

test("cross-entropy by hand: two classes even, and three to one", () => {
  const { kernels, floats, ints, room, read } = openArena();
  const gradient = room(4);
  const loss = kernels.crossEntropy(floats([0, 0, Math.log(3), 0]), ints([1, 0]), 2, 2, gradient);
  expect(loss).toBeCloseTo(Math.log(2) + Math.log(4 / 3), 6);
  // (softmax - label) / 2 rows
  close(read(gradient, 4), [0.25, -0.25, -0.125, 0.125], 1e-6);
});

test("cross-entropy holds for far apart logits, where a naive exponential overflows", () => {
  const { kernels, floats, ints, room, read } = openArena();
  const gradient = room(3);
  const loss = kernels.crossEntropy(floats([5000, 0, -5000]), ints([1]), 1, 3, gradient);
  expect(loss).toBeCloseTo(5000, 6);
  close(read(gradient, 3), [1, -1, 0], 1e-6);
});

test("a logit that is not a number shows in the loss", () => {
  const { kernels, floats, ints, room } = openArena();
  expect(kernels.crossEntropy(floats([1, Number.NaN]), ints([0]), 1, 2, room(2))).toBeNaN();
});

test("distillation matches its formula, loss and gradient", () => {
  const temperature = fc.float({ min: 0.5, max: 8, noNaN: true });
  const share = fc.float({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(batch, temperature, share, ({ cols, logits, teacher }, T, s) => {
      const { kernels, floats, ints, room, read, isIntact } = openArena();
      const targets = logits.map((_, r) => teacher[r % teacher.length]!);
      const labels = logits.map((_, r) => (7 * r) % cols);
      const gradient = room(logits.length * cols);
      const at = [floats(logits.flat()), floats(targets.flat()), ints(labels)] as const;
      const loss = kernels.softCrossEntropy(...at, logits.length, cols, T, s, gradient, room(cols));
      let expected = 0;
      const slopes = logits.map((row, r) => {
        const p = softmax(targets[r]!, T);
        const [q, hard] = [softmax(row, T), softmax(row)];
        const logQ = row.map((v) => v / T - Math.max(...row) / T - Math.log(sumExp(row, T)));
        const soft = p.reduce((sum, pc, c) => sum - pc * logQ[c]!, 0);
        const logHard = row[labels[r]!]! - Math.max(...row) - Math.log(sumExp(row, 1));
        expected += s * T * T * soft - (1 - s) * logHard;
        return row.map((_, c) => {
          const isLabel = c === labels[r] ? 1 : 0;
          return (s * T * (q[c]! - p[c]!) + (1 - s) * (hard[c]! - isLabel)) / logits.length;
        });
      });
      close([loss], [expected], 1e-5);
      close(read(gradient, logits.length * cols), slopes.flat(), 1e-5);
      expect(isIntact()).toBe(true);
    }),
  );
});

const sumExp = (row: readonly number[], T: number): number =>
  row.reduce((sum, v) => sum + Math.exp((v - Math.max(...row)) / T), 0);

test("the gradient is the loss's finite difference", () => {
  const { kernels, floats, ints, room, read } = openArena();
  const logits = [0.3, -1.2, 0.8, 2.1, -0.4];
  const teacher = floats([1, 0.5, -2, 0.1, 0.7]);
  const labels = ints([2]);
  const lossAt = (values: readonly number[], gradient = room(5)) =>
    kernels.softCrossEntropy(floats(values), teacher, labels, 1, 5, 3, 0.4, gradient, room(5));
  const gradient = room(5);
  lossAt(logits, gradient);
  const h = 1 / 64;
  const slope = (c: number) =>
    (lossAt(logits.map((v, i) => (i === c ? v + h : v))) -
      lossAt(logits.map((v, i) => (i === c ? v - h : v)))) /
    (2 * h);
  close(read(gradient, 5), [0, 1, 2, 3, 4].map(slope), 1e-4);
});
