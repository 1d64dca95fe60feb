import { expect, test } from "vitest";
import { measureDeltas } from "../../src/aggregation/exponents.ts";
import { addUpdate, emptyTally } from "../../src/aggregation/tally.ts";
import { decodeOwned, encodeOwned, type OwnedPlan, ownedPlan } from "../../src/compress/owned.ts";
import { reusedScratch, type Scratch } from "../../src/compress/scratch.ts";
import { scalarSums } from "../../src/kernels/exact-sums-scalar.ts";
import { simdSums } from "../../src/kernels/exact-sums-simd.ts";
import type { UpdateMessage } from "../../src/model/message.ts";
import type { CodecSpec } from "../../src/model/protocol.ts";
import { derive } from "../../src/model/rng.ts";

/** Values that wait to be folded are views of their frames: the memory that updates are decoded into is used again meanwhile. */

const manifest = {
  tensors: [
    { name: "a", shape: [12_001] },
    { name: "b", shape: [7] },
    { name: "c", shape: [50, 50] },
  ],
};
const length = 12_001 + 7 + 2500;
const evens = new Map([
  ["a", Uint32Array.from({ length: 6000 }, (_, i) => 2 * i)],
  ["b", null],
  ["c", null],
]);

const codecs: readonly CodecSpec[] = [
  { select: "all", values: "float32" },
  { select: "all", values: "sign" },
  { select: "all", values: { uniform: 8 } },
  { select: { topK: 0.3 }, values: "float32" },
  { select: { topK: 0.3 }, values: "ternary" },
  { select: { topK: 0.1 }, values: { codebook: 16 } },
  { select: { topK: 0.1 }, values: "float16" },
];

test("sums that wait are those of updates each in memory of its own, whatever is decoded and looked at in between", () => {
  const rng = derive(1, "deltas");
  const frames = codecs.flatMap((codec) =>
    [null, evens].map((masks) => {
      const plan = ownedPlan([{ tensors: "*", codec, errorFeedback: false }], manifest, masks, "uplink");
      const delta = new Map(
        manifest.tensors.map(({ name, shape }) => {
          const size = shape.reduce((a, b) => a * b, 1);
          return [name, { shape, data: Float32Array.from({ length: size }, () => rng.uniform() - 0.5) }];
        }),
      );
      return { plan, payloads: encodeOwned(plan, delta, [null], Infinity, 1).payloads };
    }),
  );
  const read = ({ plan, payloads }: { plan: OwnedPlan; payloads: readonly Uint8Array[] }, into?: Scratch) =>
    ({
      ...{ clientId: "c", round: 1, baseVersion: 0, numExamples: 1, numSteps: 1, trainLoss: 0 },
      tensors: new Map(
        [...decodeOwned(plan, payloads, into)].map(([name, delta]) => [
          name,
          { mask: plan.masks.get(name)!, delta },
        ]),
      ),
    }) satisfies UpdateMessage;
  const grid = { exponents: [3, 3, 3], weightBudget: 1000 };
  const waiting = emptyTally(manifest, grid, simdSums(length, true)!);
  const plain = emptyTally(manifest, grid, scalarSums(length));
  const scratch = reusedScratch();
  let waited = 0;
  frames.forEach((frame, i) => {
    const weight = { gain: 3 + i, weight: 5 + i };
    scratch.reset();
    const update = read(frame, scratch);
    measureDeltas(update, manifest, grid.exponents);
    addUpdate(waiting, update, weight, 1);
    if (!waiting.sums.isSettled()) waited++;
    // a report that is checked and not let in, and all of whose values are asked for
    scratch.reset();
    for (const { delta } of read(frames.at(-1 - i)!, scratch).tensors.values()) delta.values.fill(9);
    addUpdate(plain, read(frame), weight, 1);
  });
  expect(waited).toBeGreaterThan(frames.length / 2);
  expect(waiting.sums.read(0, length)).toEqual(plain.sums.read(0, length));
});
