import { expect, test } from "vitest";
import { serverOptimizer } from "../../src/aggregation/server-optimizer.ts";
import type { Params } from "../../src/model/tensor.ts";

const params = (...data: number[]): Params =>
  new Map([["w", { shape: [data.length], data: Float32Array.from(data) }]]);
const values = (p: Params) => [...p.get("w")!.data];

test("sgd scales the mean delta", () => {
  const optimizer = serverOptimizer({ sgd: { learningRate: 2, momentum: 0 } });
  const [step] = optimizer.step(params(1, -0.5), optimizer.init(params(0, 0)));
  expect(values(step)).toEqual([2, -1]);
});

test("momentum: v ← βv + Δ, step = ηv, and the state is handed back untouched", () => {
  const optimizer = serverOptimizer({ sgd: { learningRate: 1, momentum: 0.5 } });
  const first = optimizer.init(params(0, 0));
  const [a, second] = optimizer.step(params(1, 2), first);
  const [b, third] = optimizer.step(params(1, 0), second);
  expect(values(a)).toEqual([1, 2]);
  expect(values(b)).toEqual([1.5, 1]);
  expect(values(third[0]!)).toEqual([1.5, 1]);
  expect(values(first[0]!)).toEqual([0, 0]);
  expect(values(second[0]!)).toEqual([1, 2]);
});
