import { emptyResidual, encodeDelta } from "../../dist/compress/error-feedback.js";
import { ownedPlan } from "../../dist/compress/owned.js";
import { planDigest, planGroups } from "../../dist/compress/plan.js";
import { manifestDigest } from "../../dist/model/manifest.js";
import { derive, gaussian } from "../../dist/model/rng.js";
import { crc32c } from "../../dist/wire/checksum.js";
import { decodeControl, encodeControl } from "../../dist/wire/control.js";
import { decodeFrame, encodeFrame, shortDigest } from "../../dist/wire/frame.js";
import { decodeUpdate } from "../../dist/wire/update.js";
import { deviation, isSameArray, vectorProblem } from "./check.mjs";
import { referenceFrame } from "./reference/frame.mjs";
import { referenceDecode } from "./reference/payload.mjs";

/**
 * Update frames, decoded to the message they carry; with them the other kinds but masks, decoded to the frame. Seven of eight
 * inputs get a magic, a version and a checksum that are right, so that what stands between them is looked at. Every
 * valid frame has one encoding, so what decodes must encode to the very same bytes.
 */
export function frameTarget() {
  const corpus = [...PLANS.flatMap(updatesOf), ...others()];
  return {
    name: "frame",
    corpus: corpus.toSorted((a, b) => a.bytes.length - b.bytes.length),
    finish: (bytes, rng) => (rng.below(8) === 0 ? bytes : sealed(bytes)),
    decode(bytes, _, { plan }) {
      const frame = decodeFrame(bytes, LIMITS);
      const update = frame.kind === "update" ? decodeUpdate(frame, "client", plan) : null;
      const control = frame.kind === "control" ? decodeControl(frame, SMALL) : null;
      return { frame: control === null ? frame : encodeControl(frame.version, control), update };
    },
    expected(bytes, _, { groups }) {
      const frame = referenceFrame(bytes, LIMITS);
      if (frame.kind === CONTROL) return controlProblem(frame.payloads) ?? frame;
      if (frame.kind !== UPDATE) return frame;
      if (frame.payloads.length !== groups.length) return { code: "bad-shape" };
      const vectors = groups.map(({ rule, length }, i) =>
        referenceDecode(frame.payloads[i], length, rule.codec),
      );
      return vectors.find(({ code }) => code !== undefined) ?? { vectors };
    },
    check({ frame, update }, { entry: { groups }, bytes, expected }) {
      for (const { name, shape } of update === null ? [] : MANIFEST.tensors) {
        const problem = vectorProblem(
          update.tensors.get(name).delta,
          shape[0] * (shape[1] ?? 1),
          GROUP_BYTES,
        );
        if (problem !== null) return `${name}: ${problem}`;
      }
      if (expected.code !== undefined) return `decoded, by the document ${expected.code}`;
      for (const [i, { tensors }] of (update === null ? [] : groups).entries()) {
        const problem = deviation(
          joined(tensors.map(({ name }) => update.tensors.get(name).delta)),
          expected.vectors[i],
        );
        if (problem !== null) return `payload ${i}: ${problem}`;
      }
      return isSameArray(encodeFrame(frame), bytes)
        ? null
        : "encodes to other bytes than it was decoded from";
    },
  };
}

const UPDATE = 2;
const CONTROL = 8;

/** What control variates are of. */
const SMALL = {
  tensors: [
    { name: "a", shape: [2, 2] },
    { name: "b", shape: [2] },
  ],
};
const SMALL_ID = shortDigest(manifestDigest(SMALL));

function controlProblem([manifest, count]) {
  const id = new DataView(manifest.buffer, manifest.byteOffset).getUint32(0);
  if (id !== SMALL_ID) return { code: "wrong-manifest" };
  return count === 6 ? null : { code: "bad-shape" };
}

/** Just above what the corpus has, so that mutations pass them. */
const LIMITS = { frameBytes: 200, numTensors: 4, rank: 2, numParams: 24, nameBytes: 12 };

/** The vectors of a group's tensors as the one that they were. */
function joined(vectors) {
  const starts = vectors.map((_, i) => vectors.slice(0, i).reduce((sum, { length }) => sum + length, 0));
  const isAll = vectors.every(({ support }) => support === null);
  return {
    support: isAll ? null : vectors.flatMap(({ support }, i) => [...support].map((p) => starts[i] + p)),
    values: vectors.flatMap(({ values }) => [...values]),
  };
}

const MANIFEST = {
  tensors: [
    { name: "conv/kernel", shape: [12, 5] },
    { name: "conv/bias", shape: [5] },
    { name: "dense/kernel", shape: [40, 9] },
    { name: "dense/bias", shape: [9] },
  ],
};
/** Tensors may be views into the vector of their group, which is at most all of the model. */
const GROUP_BYTES = 4 * (60 + 5 + 360 + 9);

const rule = (tensors, select, values) => ({ tensors, codec: { select, values }, errorFeedback: true });
const PLANS = [
  [rule("*", { topK: 0.02 }, "ternary")],
  [rule("*/bias", "all", "float16"), rule("*", { topK: 0.1 }, { uniform: 4 })],
  [
    rule("conv/*", "all", { eden: 2 }),
    rule("*/bias", "all", "float32"),
    rule("*", { randomK: 0.1 }, "bfloat16"),
  ],
  [rule("*/kernel", { blocks: { keep: 1, of: 8 } }, { qsgd: 3 }), rule("*", "all", { codebook: 4 })],
];

function updatesOf(plan) {
  const groups = planGroups(plan, MANIFEST, "uplink");
  return Array.from({ length: 4 }, (_, seed) => {
    const rng = derive(seed, "fuzz update");
    const tensors = MANIFEST.tensors.map(({ name, shape }) => {
      const data = Float32Array.from({ length: shape[0] * (shape[1] ?? 1) }, () => gaussian(rng));
      return [name, { shape, data }];
    });
    const { payloads } = encodeDelta(groups, new Map(tensors), emptyResidual(groups), 1024, seed);
    const bytes = encodeFrame({
      kind: "update",
      round: seed,
      baseVersion: 300 * seed,
      manifest: shortDigest(manifestDigest(MANIFEST)),
      plan: shortDigest(planDigest(plan, MANIFEST)),
      numExamples: 1 + 1000 * seed,
      numSteps: 7 * seed,
      trainLoss: 0.625,
      payloads,
    });
    return { bytes, length: 1, plan: ownedPlan(plan, MANIFEST, null, "uplink"), groups };
  });
}

function others() {
  const plan = ownedPlan(PLANS[0], MANIFEST, null, "uplink");
  const data = Float32Array.of(1, -2, 0.5, 1e-45, -0, 3e38);
  const params = new Map([
    ["a", { shape: [2, 3], data }],
    ["Schlüssel", { shape: [], data: data.slice(0, 1) }],
  ]);
  const full = new Map(
    [8, LIMITS.numParams - 8].map((n) => [`of ${n}`, { shape: [n], data: new Float32Array(n) }]),
  );
  const payloads = [Uint8Array.of(0x10, 0), Uint8Array.of(7)];
  const manifest = {
    tensors: [
      { name: "a", shape: [3] },
      { name: "b", shape: [] },
    ],
  };
  return [
    { kind: "origin", zoo: "small-cnn", seed: 0xdeadbeef, digest: "0f".repeat(32) },
    { kind: "delta", version: 300, manifest: 1, plan: 2, digest: 0xffffffff, payloads },
    { kind: "checkpoint", version: 3, params },
    {
      kind: "tally",
      round: 3,
      baseVersion: 2,
      manifest: 1,
      numUpdates: 2,
      weightBudget: 2 ** 40,
      total: 2 ** 20,
      steps: 2n ** 70n,
      tensors: [
        { exponent: -3, sums: Uint8Array.of(0), owners: null },
        { exponent: 100, sums: Uint8Array.of(1, 0, 1), owners: Uint8Array.of(1, 0, 1) },
      ],
    },
    { kind: "control", version: 3, manifest: SMALL_ID, values: data },
    { kind: "control", version: 3, manifest: SMALL_ID, values: data.slice(1) },
    { kind: "history", version: 3, manifest: 1, state: Uint8Array.of(1, 2, 3) },
    { kind: "history", version: 300, manifest: 0xffffffff, state: Uint8Array.of(0) },
    {
      kind: "tally",
      round: 0,
      baseVersion: 0,
      manifest: 1,
      numUpdates: 1,
      weightBudget: 1,
      total: 1,
      steps: 0n,
      tensors: [{ exponent: 100, sums: Uint8Array.of(0), owners: null }],
    },
    { kind: "checkpoint", version: 0, params: full },
    {
      kind: "student",
      architecture: "tiny",
      manifest,
      groups: payloads.map((payload, i) => ({ tensors: [i], payload })),
    },
    {
      kind: "student",
      architecture: "s",
      manifest,
      groups: [{ tensors: [0, 1], payload: payloads[0] }],
    },
  ].map((frame) => ({ bytes: encodeFrame(frame), length: 1, plan, groups: plan.groups }));
}

/** With a magic, a version and a checksum that are right. */
export function sealed(bytes) {
  const end = Math.max(0, bytes.length - 4);
  const whole = new Uint8Array(end + 4);
  whole.set(bytes.subarray(0, end));
  whole.set(START.subarray(0, end));
  new DataView(whole.buffer).setUint32(end, crc32c(whole.subarray(0, end)), true);
  return whole;
}

const START = Uint8Array.of(0x46, 0x50, 0x52, 0x53, 1);
