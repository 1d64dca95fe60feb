import { expect, test } from "vitest";
import type { Aggregate } from "../../src/aggregation/aggregate.ts";
import { serverOptimizer } from "../../src/aggregation/server-optimizer.ts";
import type { Params } from "../../src/model/tensor.ts";

const params = (...data: number[]): Params =>
  new Map([["w", { shape: [data.length], data: Float32Array.from(data) }]]);
const mean = (delta: readonly number[], covered: readonly number[] | null = null): Aggregate => ({
  delta: params(...delta),
  covered: new Map([["w", covered && Uint32Array.from(covered)]]),
});
const values = (p: Params) => [...p.get("w")!.data];

test("sgd scales the mean delta", () => {
  const optimizer = serverOptimizer({ sgd: { learningRate: 2, momentum: 0 } });
  const [step] = optimizer.step(mean([1, -0.5]), optimizer.init(params(0, 0)));
  expect(values(step)).toEqual([2, -1]);
});

test("momentum: v ← βv + Δ, step = ηv, and the state is handed back untouched", () => {
  const optimizer = serverOptimizer({ sgd: { learningRate: 1, momentum: 0.5 } });
  const first = optimizer.init(params(0, 0));
  const [a, second] = optimizer.step(mean([1, 2]), first);
  const [b, third] = optimizer.step(mean([1, 0]), second);
  expect(values(a)).toEqual([1, 2]);
  expect(values(b)).toEqual([1.5, 1]);
  expect(values(third[0]!)).toEqual([1.5, 1]);
  expect(values(first[0]!)).toEqual([0, 0]);
  expect(values(second[0]!)).toEqual([1, 2]);
});

const half = { learningRate: 1, beta1: 0.5, beta2: 0.75, epsilon: 1 };

test("FedAdam: m = β₁m + (1 - β₁)Δ, v = β₂v + (1 - β₂)Δ², step = ηm / (√v + ε)", () => {
  const optimizer = serverOptimizer({ adam: half });
  const [a, state] = optimizer.step(mean([4, 0]), optimizer.init(params(0, 0)));
  expect(values(a)).toEqual([Math.fround(2 / 3), 0]); // m 2, v 4
  const [b, [m, v]] = optimizer.step(mean([4, -2]), state);
  expect(values(m!)).toEqual([3, -1]);
  expect(values(v!)).toEqual([7, 1]);
  expect(values(b)).toEqual([Math.fround(3 / (Math.sqrt(7) + 1)), -0.5]);
});

test("FedYogi: v moves by (1 - β₂)Δ² towards Δ², whichever way that is", () => {
  const optimizer = serverOptimizer({ yogi: half });
  const [, state] = optimizer.step(mean([4, 2]), optimizer.init(params(0, 0)));
  expect(values(state[1]!)).toEqual([4, 1]); // 0 + 0.25 * 16, 0 + 0.25 * 4
  const [, next] = optimizer.step(mean([1, 2]), state);
  expect(values(next[1]!)).toEqual([3.75, 2]); // 4 - 0.25 * 1, 1 + 0.25 * 4
});

test("FedAdagrad: v only grows", () => {
  const optimizer = serverOptimizer({ adagrad: { learningRate: 1, beta1: 0, epsilon: 1 } });
  const [a, state] = optimizer.step(mean([3, 0]), optimizer.init(params(0, 0)));
  expect(values(a)).toEqual([0.75, 0]);
  const [b, next] = optimizer.step(mean([4, 0]), state);
  expect(values(next[1]!)).toEqual([25, 0]);
  expect(values(b)).toEqual([Math.fround(4 / 6), 0]);
});

for (const [name, settings] of Object.entries({
  momentum: { sgd: { learningRate: 1, momentum: 0.5 } },
  adam: { adam: half },
  yogi: { yogi: half },
  adagrad: { adagrad: { learningRate: 1, beta1: 0.5, epsilon: 1 } },
}))
  test(`${name}: a coordinate that nobody owned neither moves nor loses its moments`, () => {
    const optimizer = serverOptimizer(settings);
    const [, state] = optimizer.step(mean([4, 4]), optimizer.init(params(0, 0)));
    const [step, next] = optimizer.step(mean([4, 0], [0]), state);
    expect(values(step)[0]).not.toBe(0);
    expect(values(step)[1]).toBe(0);
    for (const [i, moments] of next.entries()) {
      expect(values(moments)[1]).toBe(values(state[i]!)[1]);
      expect(values(moments)[0]).not.toBe(values(state[i]!)[0]);
    }
  });
