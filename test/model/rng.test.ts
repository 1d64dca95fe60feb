import { expect, test } from "vitest";
import { derive, permutation } from "../../src/model/rng.ts";

test("a stream is named by its seed and path", () => {
  const draw = (...args: Parameters<typeof derive>) => Array.from({ length: 4 }, derive(...args).uint32);
  expect(draw(1, "client", 3)).toEqual(draw(1, "client", 3));
  expect(draw(1, "client", 3)).not.toEqual(draw(1, "client", 4));
  expect(draw(1, "client", 3)).not.toEqual(draw(2, "client", 3));
  expect(draw(1, "a", "b")).not.toEqual(draw(1, "a/b"));
});

test("uniform draws fill [0, 1) evenly", () => {
  const rng = derive(7, "uniform");
  const buckets = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) buckets[Math.floor(rng.uniform() * 10)]!++;
  for (const n of buckets) expect(Math.abs(n - 10_000)).toBeLessThan(500); // 5 standard deviations are 474
});

test("filling an array draws what single draws are, and goes on from there", () => {
  const [one, other] = [derive(5, "fill"), derive(5, "fill")];
  const draws = new Float32Array(100);
  one.fill(draws);
  expect([...draws]).toEqual(Array.from({ length: 100 }, other.uniform));
  expect(one.uint32()).toBe(other.uint32());
});

test("a permutation holds every index once", () => {
  const order = permutation(257, derive(1, "p"));
  expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 257 }, (_, i) => i));
  expect([...order]).not.toEqual(Array.from({ length: 257 }, (_, i) => i));
});
