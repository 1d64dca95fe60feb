import fc from "fast-check";
import { expect, test } from "vitest";
import { emptyResidual, encodeDelta } from "../../../src/compress/error-feedback.ts";
import { planGroups } from "../../../src/compress/plan.ts";
import { checkReportBytes, reportBytes } from "../../../src/coordinator/sessions/report-bytes.ts";
import { manifestOf } from "../../../src/model/manifest.ts";
import type { UpdateMessage } from "../../../src/model/message.ts";
import type { CodecSpec } from "../../../src/model/protocol.ts";
import { derive, gaussian } from "../../../src/model/rng.ts";
import type { Params } from "../../../src/model/tensor.ts";
import { encodeFrame } from "../../../src/wire/frame.ts";

const paramsOf = (rows: number, cols: number, at: () => number): Params =>
  new Map([
    ["w", { shape: [rows, cols], data: Float32Array.from({ length: rows * cols }, at) }],
    ["b", { shape: [cols], data: Float32Array.from({ length: cols }, at) }],
  ]);

const values = fc.oneof(
  fc.constantFrom<CodecSpec["values"]>("float32", "float16", "bfloat16", "ternary", "sign"),
  fc.integer({ min: 1, max: 8 }).map((uniform) => ({ uniform })),
  fc.integer({ min: 1, max: 32_767 }).map((qsgd) => ({ qsgd })),
  fc.integer({ min: 2, max: 256 }).map((codebook) => ({ codebook })),
  fc.constantFrom(2, 3, "auto" as const).map((levels) => ({ levels })),
  fc.integer({ min: 1, max: 4 }).map((eden) => ({ eden })),
);
const density = fc.double({ min: 0.001, max: 1, noNaN: true });
const select: fc.Arbitrary<CodecSpec["select"]> = fc.oneof(
  fc.constant("all" as const),
  density.map((topK) => ({ topK })),
  density.map((topK) => ({ topK, rateDistortion: true as const })),
  density.map((threshold) => ({ threshold })),
  density.map((randomK) => ({ randomK })),
  density.map((rows) => ({ rows })),
  density.map((filters) => ({ filters })),
  fc
    .integer({ min: 2, max: 24 })
    .chain((of) => fc.integer({ min: 1, max: of - 1 }).map((keep) => ({ blocks: { keep, of } }))),
);

const reportOf = (payloads: readonly Uint8Array[]): Uint8Array =>
  encodeFrame({
    kind: "update",
    round: 2 ** 32 - 1,
    baseVersion: 2 ** 32 - 1,
    manifest: 1,
    plan: 1,
    numExamples: 2 ** 15,
    numSteps: 2 ** 32 - 1,
    trainLoss: 1,
    payloads: [...payloads],
  });

const updateOf = (sent: ReturnType<typeof encodeDelta>["sent"]) =>
  ({
    tensors: new Map([...sent].map(([name, delta]) => [name, { mask: null, delta }])),
  }) as unknown as UpdateMessage;

test("no report that follows its plan is larger than the plan allows", () => {
  fc.assert(
    fc.property(
      fc.record({ select, values }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      fc.nat(),
      fc.constantFrom(0, 0.5, 1),
      (spec, rows, cols, seed, zeros) => {
        const rng = derive(seed, "vector");
        const params = paramsOf(rows, cols, () => (rng.uniform() < zeros ? 0 : gaussian(rng)));
        const groups = planGroups(
          [{ tensors: "*", codec: spec, errorFeedback: true }],
          manifestOf(params),
          "uplink",
        );
        const { payloads, sent } = encodeDelta(groups, params, emptyResidual(groups), Infinity, seed);
        checkReportBytes(reportOf(payloads), updateOf(sent), reportBytes(groups, false));
      },
    ),
    { numRuns: 500 },
  );
});

test("nor one of factors", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), values, fc.nat(), (lowRank, coded, seed) => {
      const rng = derive(seed, "vector");
      const params = paramsOf(20, 30, () => gaussian(rng));
      const rules = [
        { tensors: "w", codec: { select: { lowRank }, values: coded }, errorFeedback: true },
        { tensors: "*", codec: { select: "all" as const, values: "float32" as const }, errorFeedback: false },
      ];
      const groups = planGroups(rules, manifestOf(params), "uplink");
      const { payloads, sent } = encodeDelta(groups, params, emptyResidual(groups), Infinity, seed);
      checkReportBytes(reportOf(payloads), updateOf(sent), reportBytes(groups, false));
    }),
    { numRuns: 60 },
  );
});

test("by hand: bits of values, the lesser of a bitmap and 32 bits a place, heads; and one byte more is refused", () => {
  const params = paramsOf(99, 10, () => 1);
  const bytes = (codec: CodecSpec) =>
    reportBytes(
      planGroups([{ tensors: "*", codec, errorFeedback: false }], manifestOf(params), "uplink"),
      false,
    );
  const head = 64 + 256 + 2 * 16;
  expect(bytes({ select: "all", values: "float32" })).toEqual({ encoded: head + 4000, decoded: 4000 });
  expect(bytes({ select: "all", values: { uniform: 3 } })).toEqual({ encoded: head + 375, decoded: 4000 });
  // ten places in 4 bytes, ten signs
  expect(bytes({ select: { topK: 0.01 }, values: "ternary" })).toEqual({ encoded: head + 42, decoded: 80 });
  // a bitmap of 1,000, 500 half floats
  expect(bytes({ select: { topK: 0.5 }, values: "float16" })).toEqual({
    encoded: head + 1125,
    decoded: 4000,
  });
  const most = bytes({ select: { topK: 0.01 }, values: "ternary" });
  const nothing = updateOf(new Map());
  checkReportBytes(new Uint8Array(most.encoded), nothing, most);
  expect(() => checkReportBytes(new Uint8Array(most.encoded + 1), nothing, most)).toThrow(
    `frame: ${most.encoded + 1} bytes, at most ${most.encoded} by the plan`,
  );
});
