import { expect, test } from "vitest";
import { type Decision, isExploring, type MaskRules, masksAfter } from "../../src/aggregation/mask-step.ts";
import { votesOf } from "../../src/aggregation/votes.ts";

const manifest = { tensors: [{ name: "w", shape: [2, 3] }] };
const of = (...data: number[]) => new Map([["w", { shape: [2, 3], data: Float32Array.from(data) }]]);
const rules = (changes: Partial<MaskRules>): MaskRules => ({
  policy: "union",
  uncovered: "keep",
  everyRounds: 1,
  maxDrift: null,
  regrow: null,
  ...changes,
});
const decision = (changes: Partial<Decision> = {}): Decision => ({
  version: 4,
  masks: null,
  ages: new Map([["w", Uint16Array.of(0, 0, 0, 0, 1, 3)]]),
  manifest,
  votes: { owners: [[3, 3, 2, 2, 0, 0]], total: 3 },
  params: of(1, -2, 3, -4, 5, -6),
  delta: of(0, 0, 0, 0, 7, 8),
  ...changes,
});
const owned = (changes: Partial<MaskRules>, of: Partial<Decision> = {}) => {
  const masks = masksAfter(rules(changes), decision(of));
  return masks === null ? null : [...masks.get("w")!];
};

test("a decision, by hand", () => {
  expect(owned({})).toBeNull();
  expect(owned({ uncovered: { dropAfter: 2 } })).toEqual([0, 1, 2, 3, 4]);
  expect(owned({ policy: "intersection", uncovered: { dropAfter: 1 } })).toEqual([0, 1]);
  // a sixth of six may leave: of 2 to 5 the smallest
  expect(owned({ policy: "intersection", uncovered: { dropAfter: 1 }, maxDrift: 1 / 6 })).toEqual([
    0, 1, 3, 4, 5,
  ]);
});

test("between decisions masks stay as they are", () => {
  const masks = new Map([["w", Uint32Array.of(3)]]);
  const sometimes = rules({ policy: "intersection", everyRounds: 3 });
  expect(masksAfter(sometimes, decision({ masks }))).toBe(masks);
  expect(masksAfter(sometimes, decision({ masks, version: 6 }))).not.toBe(masks);
});

test("with regrowth the first decision is the policy's, and then some are exchanged after exploring", () => {
  const growing = {
    policy: "intersection",
    uncovered: { dropAfter: 1 },
    regrow: { fraction: 0.5, numRounds: 8 },
  };
  const changes = growing as Partial<MaskRules>;
  expect(owned(changes)).toEqual([0, 1]);
  // 2 * 0.5 * (1 + cos(pi 4 / 8)) / 2 is less than one; at first 2 * 0.9 is enough for one: 0 goes, 5 comes
  const masks = new Map([["w", Uint32Array.of(0, 1)]]);
  expect(owned(changes, { masks })).toEqual([0, 1]);
  expect(owned({ ...changes, regrow: { fraction: 0.9, numRounds: 4000 } }, { masks })).toEqual([1, 5]);
  expect(isExploring(rules({ ...changes, everyRounds: 2 }), 4)).toBe(true);
  expect(isExploring(rules({ ...changes, everyRounds: 2 }), 5)).toBe(false);
  expect(isExploring(rules({ everyRounds: 2 }), 4)).toBe(false);
});

test("folds that count all alike give each update one vote", () => {
  const update = (mask: Uint32Array | null) => ({ masks: new Map([["w", mask]]) });
  const votes = votesOf([update(null), update(Uint32Array.of(0, 4))], manifest);
  expect(Array.from(votes.owners[0]!)).toEqual([2, 1, 1, 1, 2, 1]);
  expect(votes.total).toBe(2);
  expect(votesOf([update(null)], manifest).owners).toEqual([null]);
});
