import { expect, test } from "vitest";
import { afterRound, gateProblem, longest, noNorms } from "../../src/aggregation/gates.ts";

const gates = { normFactor: 10 };
/** Of so many clients, the first of them client-`from`. */
const of = (norms: readonly number[], from = 0) =>
  norms.map((norm, i) => ({ clientId: `client-${from + i}`, norm }));
const after = (...norms: number[]) => afterRound(noNorms, "commit", of(norms));

test("from the third client on the median is what is usual", () => {
  expect(longest(gates, after(1, 100), 7)).toBe(35); // too few: 5 times the model's norm
  expect(longest(gates, after(1, 100, 4), 7)).toBe(40);
  expect(longest(gates, after(1, 2, 3, 100, 4, 5), 7)).toBe(35);
});

test("one fast client has one norm in the window, its newest, however often it reports", () => {
  const rounds = [of([1]), of([2], 1), of([3], 2), ...Array.from({ length: 500 }, () => of([1e-6]))];
  const norms = rounds.reduce((before, round) => afterRound(before, "commit", round), noNorms);
  expect(norms.recent).toEqual([of([2], 1), of([3], 2), of([1e-6])]);
  expect(longest(gates, norms, 0)).toBe(20);
});

test("before that a model that began at zero is no measure: the least update is", () => {
  expect(longest(gates, after(3), 0.01)).toBe(30);
  expect(longest(gates, after(3, 1e9), 0.01)).toBe(30);
});

test("a model of zeros says nothing of its updates", () => {
  expect(longest(gates, noNorms, 0)).toBe(Infinity);
  expect(longest(gates, after(0, 0, 0, 0, 0), 7)).toBe(Infinity);
});

test("norms that fade or grow from round to round are followed", () => {
  let norms = noNorms;
  for (let round = 0; round < 200; round++) {
    const ofRound = Array.from(
      { length: 10 },
      (_, client) => (1 + client / 3) * 0.97 ** round * (round < 20 ? 1.2 ** round : 1.2 ** 20),
    );
    for (const norm of ofRound) expect(gateProblem(norm, longest(gates, norms, 1))).toBeNull();
    norms = afterRound(norms, "commit", of(ofRound));
  }
});

test("a minority that was let in does not decide what is usual", () => {
  const norms = after(...Array.from({ length: 60 }, (_, i) => (i % 5 === 0 ? 1e6 : 1)));
  expect(longest(gates, norms, 1)).toBe(10);
});

test("the newest rounds are remembered, whole, up to 128 updates; the newest however many it has", () => {
  let clients = 0;
  const commit = (norms: typeof noNorms, count: number, norm: number) => {
    const from = clients;
    clients += count;
    return afterRound(norms, "commit", of(Array(count).fill(norm), from));
  };
  const three = commit(commit(commit(noNorms, 60, 1), 60, 2), 8, 3);
  expect(three.recent.map((norms) => norms.length)).toEqual([60, 60, 8]);
  expect(commit(three, 1, 4).recent.map((norms) => norms.length)).toEqual([60, 8, 1]);
  const large = commit(three, 1000, 50);
  expect(large.recent.map((norms) => norms.length)).toEqual([1000]);
  expect(longest(gates, large, 1)).toBe(500);
});

test("an abandoned round says nothing of what is usual", () => {
  const { recent } = afterRound(after(1, 1, 1, 1, 1), "abandon", of(Array(100).fill(1e-9)));
  expect(recent.flat()).toEqual(of([1, 1, 1, 1, 1]));
});

test("every abandoned round in a row doubles what is let in; a committed one ends that", () => {
  const usual = after(1, 1, 1, 1, 1);
  const twice = afterRound(afterRound(usual, "abandon", []), "abandon", []);
  expect(longest(gates, twice, 1)).toBe(40);
  expect(longest(gates, afterRound(twice, "commit", of([1])), 1)).toBe(10);
});

test("off lets everything in", () => {
  expect(longest({ normFactor: null }, after(1, 1, 1, 1, 1), 1)).toBe(Infinity);
});

test("a refusal says what was sent and what would be let in", () => {
  expect(gateProblem(10, 10)).toBeNull();
  expect(gateProblem(123.4, 10)).toBe("the update's norm is 123, at most 10.0 is let in");
  expect(gateProblem(Number.NaN, 10)).not.toBeNull();
});
