import { emptyResidual, encodeDelta } from "../../dist/compress/error-feedback.js";
import { ownedPlan } from "../../dist/compress/owned.js";
import { planDigest, planGroups } from "../../dist/compress/plan.js";
import { drawPositions } from "../../dist/compress/positions/seed.js";
import { manifestDigest } from "../../dist/model/manifest.js";
import { maskOf } from "../../dist/model/masks.js";
import { derive, gaussian } from "../../dist/model/rng.js";
import { sizeOf } from "../../dist/model/tensor.js";
import { crc32c } from "../../dist/wire/checksum.js";
import { decodeFrame, encodeFrame, shortDigest } from "../../dist/wire/frame.js";
import { defaultLimits } from "../../dist/wire/limits.js";
import { decodeMasks, encodeMasks } from "../../dist/wire/masks.js";
import { decodeUpdate } from "../../dist/wire/update.js";
import { isSameArray, vectorProblem } from "./check.mjs";

/**
 * Update frames, decoded to the message they carry, and masks; with them the other kinds, decoded to the frame. Seven of eight
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
      const frame = decodeFrame(bytes, defaultLimits);
      const update = frame.kind === "update" ? decodeUpdate(frame, "client", plan) : null;
      const masks = frame.kind === "masks" ? decodeMasks(frame, MANIFEST) : null;
      return { frame, update, masks };
    },
    check({ frame, update, masks }, { bytes }) {
      const odd =
        masks && MANIFEST.tensors.find(({ name, shape }) => !isMask(masks.get(name), sizeOf(shape)));
      if (odd) return `${odd.name} has no mask`;
      for (const { name, shape } of update === null ? [] : MANIFEST.tensors) {
        const problem = vectorProblem(
          update.tensors.get(name).delta,
          shape[0] * (shape[1] ?? 1),
          GROUP_BYTES,
        );
        if (problem !== null) return `${name}: ${problem}`;
      }
      return isSameArray(encodeFrame(frame), bytes)
        ? null
        : "encodes to other bytes than it was decoded from";
    },
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
    return { bytes, length: 1, plan: ownedPlan(plan, MANIFEST, null, "uplink") };
  });
}

/** Null, or strictly rising, below the length, and not all. */
const isMask = (mask, length) =>
  mask === null ||
  (mask.length < length && mask.every((at, i) => at < length && (i === 0 || at > mask[i - 1])));

/** A mask of every form. */
function someMasks() {
  const sizes = MANIFEST.tensors.map(({ shape }) => sizeOf(shape));
  const rules = [
    (i) => i % 9 < 4,
    (i) => i % 4 < 2,
    (i) => i < 40,
    (i) => (i * i) % 7 === 1,
    (i) => i % 31 === 4,
    () => false,
    () => true,
  ];
  const drawn = sizes.map((size) => drawPositions(5, Math.ceil(size / 3), size));
  const ruled = rules.map((owns) => sizes.map((size) => Uint32Array.from(Array(size).keys()).filter(owns)));
  return [...ruled, drawn].map((ofTensors) => {
    const masks = ofTensors.map((mask, i) => [MANIFEST.tensors[i].name, maskOf(mask, sizes[i])]);
    return encodeMasks(new Map(masks), MANIFEST, 5);
  });
}

function others() {
  const plan = ownedPlan(PLANS[0], MANIFEST, null, "uplink");
  const data = Float32Array.of(1, -2, 0.5, 1e-45, -0, 3e38);
  const params = new Map([
    ["a", { shape: [2, 3], data }],
    ["Schlüssel", { shape: [], data: data.slice(0, 1) }],
  ]);
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
      kind: "student",
      architecture: "tiny",
      manifest,
      groups: payloads.map((payload, i) => ({ tensors: [i], payload })),
    },
    ...someMasks(),
  ].map((frame) => ({ bytes: encodeFrame(frame), length: 1, plan }));
}

function sealed(bytes) {
  const end = Math.max(0, bytes.length - 4);
  const whole = new Uint8Array(end + 4);
  whole.set(bytes.subarray(0, end));
  whole.set(START.subarray(0, end));
  new DataView(whole.buffer).setUint32(end, crc32c(whole.subarray(0, end)), true);
  return whole;
}

const START = Uint8Array.of(0x46, 0x50, 0x52, 0x53, 1);
