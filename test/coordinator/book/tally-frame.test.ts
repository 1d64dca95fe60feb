import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addUpdate, emptyTally, type Grid, mergeTally, type Tally } from "../../../src/aggregation/tally.ts";
import { byExamples, MAX_WEIGHT } from "../../../src/aggregation/weight.ts";
import { decodeTally, encodeTally } from "../../../src/coordinator/book/tally-frame.ts";
import type { Manifest } from "../../../src/model/manifest.ts";
import type { UpdateMessage } from "../../../src/model/message.ts";
import { decodeFrame, encodeFrame } from "../../../src/wire/frame.ts";
import type { TallyFrame } from "../../../src/wire/kinds.ts";
import { defaultLimits } from "../../../src/wire/limits.ts";
import { wireErrorCode } from "../../suites/wire-error.ts";

const manifest: Manifest = {
  tensors: [
    { name: "w", shape: [3, 2] },
    { name: "b", shape: [2] },
  ],
};
const grid: Grid = { exponents: [3, -4], weightBudget: 20 * MAX_WEIGHT };
const round = { round: 4, baseVersion: 3, manifest, grid };

function tallyOf(updates: readonly UpdateMessage[]): Tally {
  const tally = emptyTally(manifest, grid);
  const weigh = byExamples(2 ** 15);
  for (const one of updates)
    addUpdate(tally, one, weigh(one, { version: 3, lastLoss: null, usualNorm: null }), one.numSteps);
  return tally;
}

const frameOf = (tally: Tally): TallyFrame => {
  const frame = decodeFrame(encodeTally(tally, round), defaultLimits);
  if (frame.kind !== "tally") throw new Error("a tally");
  return frame;
};

const plain = ({ sums, owners, total, steps, numUpdates }: Tally) => ({
  sums: [...sums.read(0, 8)],
  owners: owners.map((of) => of && [...of]),
  total,
  steps,
  numUpdates,
});

const tensor = (length: number, most: number) =>
  fc
    .record({
      mask: fc.option(fc.subarray([...Array(length).keys()]), { nil: null }),
      sent: fc.subarray([...Array(length).keys()]),
      values: fc.array(fc.float({ min: -most, max: most, noNaN: true }), {
        minLength: length,
        maxLength: length,
      }),
    })
    .map(({ mask, sent, values }) => {
      const support = Uint32Array.from(mask === null ? sent : sent.filter((i) => mask.includes(i)));
      const delta = { length, support, values: Float32Array.from(values.slice(0, support.length)) };
      return { mask: mask && Uint32Array.from(mask), delta };
    });

const updates = fc.array(
  fc
    .record({ w: tensor(6, 8), b: tensor(2, 2 ** -4), numExamples: fc.integer({ min: 1, max: 2 ** 15 }) })
    .map(
      ({ w, b, numExamples }): UpdateMessage => ({
        clientId: "c",
        round: 4,
        baseVersion: 3,
        numExamples,
        numSteps: 7,
        trainLoss: 1,
        tensors: new Map([
          ["w", w],
          ["b", b],
        ]),
      }),
    ),
  { minLength: 1, maxLength: 10 },
);

describe("a tally by frames", () => {
  it("property: any tree of tallies, sent as bytes, comes to the bits of one tally of all updates", () => {
    fc.assert(
      fc.property(updates, fc.array(fc.nat(3), { minLength: 10, maxLength: 10 }), (all, edges) => {
        const root = emptyTally(manifest, grid);
        for (const edge of [0, 1, 2, 3]) {
          const part = all.filter((_, i) => edges[i] === edge);
          if (part.length > 0) mergeTally(root, decodeTally(frameOf(tallyOf(part)), round));
        }
        expect(plain(root)).toEqual(plain(tallyOf(all)));
      }),
      { numRuns: 200 },
    );
  });

  const some = tallyOf(fc.sample(updates, { numRuns: 1, seed: 3 })[0]!);
  const good = frameOf(some);
  const first = good.tensors[0]!;

  it.each([
    ["another round", { round: 5 }, "wrong-round"],
    ["another base", { baseVersion: 2 }, "wrong-base"],
    ["another model", { manifest: 1 }, "wrong-manifest"],
    ["another budget", { weightBudget: grid.weightBudget + 1 }, "bad-shape"],
    ["another number of tensors", { tensors: [first] }, "bad-shape"],
    ["another bound", { tensors: [{ ...first, exponent: 4 }, good.tensors[1]!] }, "bad-shape"],
    ["broken integers", { tensors: [{ ...first, sums: Uint8Array.of(9) }, good.tensors[1]!] }, "bad-field"],
    ["sums beyond what the weight allows", { total: 1 }, "out-of-range"],
    [
      "sums of what nobody owns",
      { tensors: [{ ...first, owners: Uint8Array.of(0) }, good.tensors[1]!] },
      "out-of-range",
    ],
    ["more steps than updates can take", { steps: 2n ** 32n * BigInt(good.total) }, "out-of-range"],
    [
      "more owners than there is weight",
      {
        tensors: [
          { ...first, owners: Uint8Array.of(7, 0, ...Array(6).fill([1, 0, 0, 0, 0, 0, 64]).flat()) },
          good.tensors[1]!,
        ],
      },
      "out-of-range",
    ],
  ] as const)("of %s is refused", (_, change, code) => {
    expect(wireErrorCode(() => decodeTally({ ...good, ...change }, round))).toBe(code);
  });

  it("encodes to the very bytes that it was decoded from", () => {
    expect(encodeFrame(good)).toEqual(encodeTally(some, round));
  });
});
