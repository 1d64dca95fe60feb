import fc from "fast-check";
import { expect, test } from "vitest";
import { openArena } from "./arena.ts";

const value = fc.integer({ min: -64, max: 64 }).map((n) => n / 8); // sums and products of these are exact
const size = fc.integer({ min: 1, max: 19 });
const values = (count: number) => fc.array(value, { minLength: count, maxLength: count });

test("block sums are sums over the middle axis, scaled", () => {
  const cases = fc.tuple(size, size, size).chain(([outer, count, inner]) =>
    fc.record({
      outer: fc.constant(outer),
      count: fc.constant(count),
      inner: fc.constant(inner),
      x: values(outer * count * inner),
    }),
  );
  fc.assert(
    fc.property(cases, ({ outer, count, inner, x }) => {
      const { kernels, floats, room, read, isIntact } = openArena();
      const out = room(outer * inner);
      kernels.blockSum(floats(x), outer, count, inner, 0.5, out);
      const expected = Array.from({ length: outer * inner }, (_, at) => {
        const [o, i] = [Math.floor(at / inner), at % inner];
        let sum = 0;
        for (let r = 0; r < count; r++) sum += x[(o * count + r) * inner + i]!;
        return sum / 2;
      });
      expect([...read(out, outer * inner)]).toEqual(expected);
      expect(isIntact()).toBe(true);
    }),
  );
});

test("bias and relu are added, each on request, in place too", () => {
  const cases = fc
    .tuple(size, size)
    .chain(([rows, cols]) =>
      fc.record({ y: values(rows * cols), bias: values(cols), rows: fc.constant(rows) }),
    );
  fc.assert(
    fc.property(cases, fc.boolean(), fc.boolean(), ({ y, bias, rows }, hasBias, relu) => {
      const { kernels, floats, room, read, isIntact } = openArena();
      const [at, out] = [floats(y), room(y.length)];
      const biasAt = hasBias ? floats(bias) : 0;
      kernels.biasActivation(at, rows, bias.length, biasAt, relu, out);
      kernels.biasActivation(at, rows, bias.length, biasAt, relu, at);
      const sums = y.map((v, i) => v + (hasBias ? bias[i % bias.length]! : 0));
      expect(read(out, y.length)).toEqual(read(at, y.length));
      expect([...read(at, y.length)]).toEqual(sums.map((v) => (relu ? Math.max(0, v) : v) + 0));
      expect(isIntact()).toBe(true);
    }),
  );
});

test("relu passes the gradient where its input is above zero", () => {
  const { kernels, floats, room, read } = openArena();
  const dx = room(7);
  kernels.reluGradient(floats([1, 0, -1, 2, -3, 0.5, 0]), floats([1, 2, 3, 4, 5, 6, 7]), 7, dx);
  expect([...read(dx, 7)]).toEqual([1, 0, 0, 4, 0, 6, 0]);
});

test("a momentum step by hand", () => {
  fc.assert(
    fc.property(size, (count) => {
      const { kernels, floats, read, isIntact } = openArena();
      const fill = (v: number) => new Array<number>(count).fill(v);
      const [params, gradient, velocity] = [floats(fill(1)), floats(fill(0.5)), floats(fill(2))];
      kernels.momentumStep(params, gradient, velocity, count, 0.25, 0.75);
      // velocity 0.75 * 2 + 0.5 = 2; params 1 - 0.25 * 2
      expect([...read(velocity, count)]).toEqual(fill(2));
      expect([...read(params, count)]).toEqual(fill(0.5));
      expect(isIntact()).toBe(true);
    }),
  );
});

test("an Adam step by hand", () => {
  fc.assert(
    fc.property(size, (count) => {
      const { kernels, floats, read, isIntact } = openArena();
      const fill = (v: number) => new Array<number>(count).fill(v);
      const slots = [floats(fill(1)), floats(fill(2)), floats(fill(4)), floats(fill(28))] as const;
      kernels.adamStep(...slots, count, 1.5, 0.5, 0.5, 2);
      // mean 0.5 * 4 + 0.5 * 2 = 3; square 0.5 * 28 + 0.5 * 4 = 16; params 1 - 1.5 * 3 / (4 + 2)
      expect([...read(slots[2], count)]).toEqual(fill(3));
      expect([...read(slots[3], count)]).toEqual(fill(16));
      expect([...read(slots[0], count)]).toEqual(fill(0.25));
      expect(isIntact()).toBe(true);
    }),
  );
});
