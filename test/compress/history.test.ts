import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codec } from "../../src/compress/codec.ts";
import { decodeDelta, emptyResidual, encodeDelta } from "../../src/compress/error-feedback.ts";
import { classCosts } from "../../src/compress/history/counts.ts";
import { stateDigest } from "../../src/compress/history/digest.ts";
import { classIndex, NUM_CLASSES, type TensorPrior } from "../../src/compress/history/prior.ts";
import {
  firstHistory,
  foldHistory,
  mostHistoryBytes,
  priorsOf,
  readHistory,
  writeHistory,
} from "../../src/compress/history.ts";
import { planGroups } from "../../src/compress/plan.ts";
import { historyPositions, historySigns } from "../../src/compress/positions/history.ts";
import { manifestOf } from "../../src/model/manifest.ts";
import { derive, gaussian } from "../../src/model/rng.ts";
import type { Params } from "../../src/model/tensor.ts";
import { wireErrorCode } from "../suites/wire-error.ts";

const SHAPES: readonly (readonly [string, readonly number[]])[] = [
  ["a/kernel", [80, 100]],
  ["a/bias", [100]],
];

/** Deltas whose large coordinates are nearly the same from round to round. */
function deltaAt(round: number): Params {
  const steady = derive(1, "steady");
  const rng = derive(2, "round", round);
  return new Map(
    SHAPES.map(([name, shape]) => {
      const length = shape.reduce((n, m) => n * m, 1);
      const data = Float32Array.from({ length }, () => gaussian(steady) ** 3 + 0.3 * gaussian(rng));
      return [name, { shape, data }];
    }),
  );
}

const rules = [
  { tensors: "*", codec: { select: { topK: 0.02 }, values: "ternary" }, errorFeedback: true, history: true },
] as const;

describe("a history", () => {
  it("makes payloads shorter, and is the same on both ends", () => {
    const params = deltaAt(0);
    const manifest = manifestOf(params);
    const groups = planGroups(rules, manifest, "downlink");
    let [sender, receiver] = [firstHistory(params), firstHistory(params)];
    let residual = emptyResidual(groups);
    let [withHistory, without] = [0, 0];
    for (let round = 0; round < 20; round++) {
      const delta = deltaAt(round);
      without += encodeDelta(groups, delta, residual, Infinity, round).payloads[0]!.length;
      const coded = encodeDelta(groups, delta, residual, Infinity, round, priorsOf(groups, sender));
      withHistory += coded.payloads[0]!.length;
      const decoded = decodeDelta(groups, coded.payloads, undefined, priorsOf(groups, receiver));
      expect(decoded).toEqual(coded.sent);
      residual = coded.residual;
      sender = foldHistory(sender, coded.sent);
      receiver = readHistory(writeHistory(foldHistory(receiver, decoded)), manifest, "history");
      expect(receiver).toEqual(sender);
    }
    expect(withHistory).toBeLessThan(0.95 * without);
  });

  it("takes no more bytes than it says, however much it has seen", () => {
    const manifest = manifestOf(deltaAt(0));
    const history = firstHistory(deltaAt(0));
    const rng = derive(6, "noise");
    const below = (limit: number) => () => Math.floor(limit * rng.uniform());
    const { state } = history;
    const noisy = {
      version: 2 ** 32 - 1,
      slow: state.slow.map(below(2 ** 14 + 1)),
      fast: state.fast.map(below(2 ** 14 + 1)),
      drift: state.drift.map(below(2 ** 14 + 1)),
      age: state.age.map(below(256)),
      weights: state.weights.map(() => -1),
      counters: state.counters.map(() => 2 ** 40 - 1),
    };
    const { length } = writeHistory({ ...history, state: noisy });
    expect(length).toBeLessThanOrEqual(mostHistoryBytes(manifest));
    expect(length).toBeGreaterThan(0.9 * mostHistoryBytes(manifest));
  });
});

describe("positions by history", () => {
  const arbitrary = fc.integer({ min: 1, max: 400 }).chain((length) =>
    fc.record({
      classes: fc.uint8Array({ minLength: length, maxLength: length, max: NUM_CLASSES - 1 }),
      signs: fc.uint8Array({ minLength: length, maxLength: length, max: 6 }),
      vector: fc.array(fc.constantFrom(0, 0, 0, 1, -1), { minLength: length, maxLength: length }),
      digest: fc.nat(2 ** 32 - 1),
    }),
  );

  it("come back whatever the prior is", () => {
    const all = codec({ select: { topK: 1 }, values: "ternary" });
    fc.assert(
      fc.property(arbitrary, ({ classes, signs, vector, digest }) => {
        const prior: TensorPrior = { digest, planes: [classes, signs] };
        const { payload, plain, sent } = all.encode(Float32Array.from(vector), 1, Infinity, prior);
        expect(all.decode(payload, vector.length, "payload", undefined, prior)).toEqual(sent);
        const other = { ...prior, digest: digest ^ 1 };
        if (payload[0]! >> 4 >= 10) {
          expect(all.decode(plain!, vector.length)).toEqual(sent);
          expect(wireErrorCode(() => all.decode(payload, vector.length))).toBe("prior-mismatch");
          expect(wireErrorCode(() => all.decode(payload, vector.length, "p", undefined, other))).toBe(
            "prior-mismatch",
          );
        }
      }),
    );
  });

  it.each([
    [20_000, 0.1, true],
    [60, 1, false],
  ])(
    "of %i coordinates of which %d have another sign than expected: with signs %s",
    (length, wrong, with11) => {
      const rng = derive(3, "signs");
      const classes = Uint8Array.from({ length }, () => 4 + rng.below(16));
      const signs = Uint8Array.from({ length }, () => 5 + rng.below(2));
      const prior: TensorPrior = { digest: 1, planes: [classes, signs] };
      const vector = Float32Array.from({ length }, (_, i) => {
        if (rng.uniform() > 2 ** (-classes[i]! / 2)) return 0;
        const isAsExpected = rng.uniform() >= wrong;
        return (signs[i] === 6) === isAsExpected ? -1 : 1;
      });
      const coder = (values: "ternary" | { levels: number }) =>
        codec({ select: { topK: 1 }, values }).encode(vector, 1, Infinity, prior);
      const { payload, sent } = coder("ternary");
      expect(payload[0]! >> 4 === 11).toBe(with11);
      // whose values are more than signs
      expect(coder({ levels: 2 }).payload[0]! >> 4).not.toBe(11);
      const support = sent.support!;
      const minus = Uint8Array.from(sent.values, (value) => (value < 0 ? 1 : 0));
      const ofSigns = historySigns(support, minus, prior).bits - historyPositions(support, prior).bits;
      // the entropy of what is wrong so often, and what it takes to learn it
      const entropy = wrong === 1 ? 0 : -wrong * Math.log2(wrong) - (1 - wrong) * Math.log2(1 - wrong);
      expect(ofSigns).toBeLessThan(1.05 * entropy * support.length + 24);
    },
  );
});

describe("the digest of a history", () => {
  it("is another when anything of its state is", () => {
    const params = deltaAt(0);
    const [group] = planGroups(rules, manifestOf(params), "downlink");
    const { sent } = encodeDelta([group!], params, emptyResidual([group!]), Infinity, 0);
    const { state, digest } = foldHistory(firstHistory(params), sent);
    const planes = ["slow", "fast", "drift", "age", "weights", "counters"] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...planes),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (name, place, by) => {
          const plane = state[name].slice();
          plane[place % plane.length]! ^= by;
          expect(stateDigest({ ...state, [name]: plane })).not.toBe(digest);
        },
      ),
    );
    expect(stateDigest({ ...state, version: 2 })).not.toBe(digest);
    expect(stateDigest(state)).toBe(digest);
  });
});

describe("the costs of classes", () => {
  it("are what they come to, to within a few in a hundred, where the classes tell the truth", () => {
    const rng = derive(4, "costs");
    const classes = Uint8Array.from({ length: 20_000 }, () => 8 + rng.below(12));
    const prior: TensorPrior = { digest: 1, planes: [classes, new Uint8Array(classes.length)] };
    const support = Uint32Array.from(classes.keys()).filter((i) => rng.uniform() < 2 ** (-classes[i]! / 2));
    const costs = classCosts(classIndex(prior), support.length);
    // a coordinate that is not sent costs log2(1 / (1 - p)), which adds log2(e) to each that is
    const expected = support.reduce((sum, i) => sum + costs[classes[i]!]! + Math.LOG2E, 0);
    const { bits } = historyPositions(support, prior);
    expect(bits / expected).toBeGreaterThan(0.95);
    expect(bits / expected).toBeLessThan(1.05);
  });
});
